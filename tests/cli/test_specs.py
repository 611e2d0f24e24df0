"""Parts as text: every mistake is named, with what to type instead."""

from pathlib import Path

import pytest
import torch
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from invprob.catalogue import Component
from invprob.cli.specs import Spec, make, parameters_of, parse, usage
from invprob.cli.values import convert
from invprob.errors import InputError, UnknownNameError

NAMES = st.from_regex(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", fullmatch=True)
KEYS = st.from_regex(r"[a-z_][a-z0-9_]*", fullmatch=True)
VALUES = st.text().map(str.strip).filter(lambda text: "," not in text and text[:1] != "(")
LISTS = st.lists(st.from_regex(r"[a-z0-9./]+", fullmatch=True), min_size=1).map(",".join)


@given(NAMES, st.dictionaries(KEYS, VALUES | LISTS))
def test_round_trip(name, options):
    spec = Spec(name, options)
    assert parse(str(spec)) == spec


@given(st.text())
def test_any_text_is_read_or_refused(text):
    try:
        spec = parse(text)
    except InputError:
        return
    assert spec.name
    assert parse(str(spec)) == spec


def test_spaces_and_commas():
    assert parse(" gaussian : sigma = 0.1 , fast = yes") == Spec(
        "gaussian", {"sigma": "0.1", "fast": "yes"}
    )
    assert parse("a:shape=1,8,8,file=x,y.png").options == {"shape": "1,8,8", "file": "x,y.png"}
    assert parse("mask:file=Doe, Jane (1).png , keep=1").options == {
        "file": "Doe, Jane (1).png",
        "keep": "1",
    }
    assert parse("a:url=b:c=d").options == {"url": "b:c=d"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("gaussian:0.1", "'0.1' is no option; write name:key=value"),
        ("gaussian:", "'' is no option"),
        ("gaussian:a=1,=2", "'=2' is no option"),
        (":sigma=1", "has no name"),
        ("sigma=1", "has no name"),
        ("", "has no name"),
        ("pnp,iterations=3", "a colon follows the name: pnp:iterations=3"),
        ("gaussian:sigma=1,sigma=2", "says sigma twice"),
        (
            "mixture:noise=(poisson:peak=30,sigma=1",
            "before 'poisson:peak=30,sig' is never closed",
        ),
    ],
)
def test_what_can_not_be_read(text, message):
    with pytest.raises(InputError, match=message):
        parse(text)


def test_every_annotation():
    part = make(
        "likelihood",
        "everything:count=3,level=1/4,fast=yes,word=go,file=a.png,choice=b,shape=1,8,8,scale=2",
    )
    assert part.count == 3
    assert part.level == 0.25
    assert part.fast is True
    assert part.word == "go"
    assert part.file == Path("a.png")
    assert part.choice == "b"
    assert part.shape == (1, 8, 8)
    assert part.scale == 2.0


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("everything:count=three", r"count=three: it must be a whole number"),
        ("everything:count=1,fast=maybe", "fast=maybe: it must be yes or no"),
        ("everything:count=1,choice=c", "choice=c: it must be a or b"),
        ("everything:count=1,matrix=x", "matrix=x: it must be none"),
        (
            "everything",
            "likelihood everything needs count; type everything:count=<a whole number>",
        ),
        ("everything:count=1,wird=x", "has no option 'wird'; did you mean 'word'"),
        ("gaussian:sgima=0.1", "has no option 'sgima'; did you mean 'sigma'"),
        (
            "gaussian:frobnicate=1",
            "has no option 'frobnicate'; it takes gaussian:sigma=<a number>",
        ),
        ("gaussian:sigma=25", r"on the scale 0..255, type sigma=25/255 \(= 0.098\)"),
        ("gaussian:sigma=-1", "a noise level is a positive number"),
        ("gaussian:sigma=0.1,operator=mask", "typed apart, -A mask:file=mask.png, or in paren"),
    ],
)
def test_mistakes(text, message):
    with pytest.raises(InputError, match=message):
        make("likelihood", text)


def test_unknown_names():
    with pytest.raises(UnknownNameError, match="no likelihood called 'gausian'; did you mean"):
        make("likelihood", "gausian:sigma=0.1")
    with pytest.raises(UnknownNameError, match="called 'mask', but one of kind operator"):
        make("solver", "mask:file=x.png")


def test_what_a_plain_class_raises_becomes_a_message():
    with pytest.raises(InputError, match="prior picky:size=7: size 7 is too large; type picky:"):
        make("prior", "picky:size=7")


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (RuntimeError("no licence"), "RuntimeError: no licence; type"),
        (KeyError("size"), "KeyError: 'size'; type"),
        (AssertionError(), "AssertionError; type"),
        (ValueError(), "ValueError; type"),
    ],
)
def test_whatever_a_factory_raises_becomes_a_message(parts, error, said, monkeypatch):
    def raising(size: int) -> None:
        raise error

    component = evolve(parts.get("prior", "picky"), from_text=raising)
    monkeypatch.setattr(type(parts), "get", lambda *_: component)
    with pytest.raises(InputError) as raised:
        make("prior", "picky:size=7")
    assert str(raised.value) == f"prior picky:size=7: {said} picky:size=<a whole number>"
    assert raised.value.__cause__ is error


def test_without_an_annotation_the_default_tells():
    def plain(flag=False, scale=1, level=0.5, word="so", file=Path("a"), shape=(1, 2), free=None):
        """What a plugin's author may have written."""

    typed = {"flag": "yes", "scale": "1", "level": "1/4", "word": "7", "file": "b", "shape": "3,x"}
    found = parameters_of(plain)
    made = {key: convert(text, found[key].annotation) for key, text in typed.items()}
    expected = {"flag": True, "scale": 1, "level": 0.25, "word": "7", "file": Path("b")}
    assert made == expected | {"shape": (3, "x")}
    assert type(made["scale"]) is int and convert("0.5", found["scale"].annotation) == 0.5
    assert [convert(text, found["free"].annotation) for text in ("3", "x")] == [3, "x"]
    with pytest.raises(ValueError):
        convert("maybe", found["flag"].annotation)


def test_usage(parts):
    shown = {part.name: usage(part) for part in parts.components}
    assert shown["pnp"] == "pnp"
    assert shown["restart"] == "restart:calls=3,noise=0.01"
    assert shown["mask"] == "mask:file=<a file>"
    assert shown["gaussian"] == "gaussian:sigma=<a number>"
    assert shown["everything"] == (
        "everything:count=<a whole number>,level=0.5,fast=no,word=so,file=none,choice=a,"
        "shape=1,scale=1.0"
    )


def test_defaults_are_listed_as_they_are_typed():
    def plain(file=Path("/a/b"), sides=(1.0, 2.0), start: Path | None = None, other=torch.zeros):
        """What a plugin's author may have written."""

    shown = usage(Component("prior", "plain", plain))
    assert shown == "plain:file=<a file>,sides=1.0,2.0,start=none"
    found = parameters_of(plain)
    typed = parse(shown.replace("<a file>", "c")).options
    made = {key: convert(text, found[key].annotation) for key, text in typed.items()}
    assert made == {"file": Path("c"), "sides": (1.0, 2.0), "start": None}
