"""Parts within parts, as text: everything that can be composed can be typed."""

from pathlib import Path

import numpy
import pytest

from invprob.catalogue import catalogue
from invprob.cli.specs import chosen, make, usage
from invprob.errors import InputError, UnknownNameError


@pytest.fixture(autouse=True)
def parts():
    """The real catalogue, in place of this folder's small one."""
    return catalogue()


@pytest.mark.parametrize(
    ("kind", "text", "shown"),
    [
        (
            "likelihood",
            "mixture:noise=(poisson:peak=30),sigma=1/50",
            "Mixture(noise=Poisson(peak=30.0), sigma=0.02, exact=False)",
        ),
        (
            "likelihood",
            " mixture : exact = yes , noise = ( gamma : alpha = 9 ) , sigma = 0.1",
            "Mixture(noise=Gamma(alpha=9.0), sigma=0.1, exact=True)",
        ),
        (
            "likelihood",
            "correlated:noise=(rayleigh:scale=0.3)",
            "Correlated(noise=Rayleigh(scale=0.3), A=CorrelationFilter(boundary='circular'))",
        ),
        (
            "likelihood",
            "mixture:noise=(correlated:noise=(gamma:alpha=26),A=(correlation-filter:boundary=zero)"
            "),sigma=10/255",
            "Mixture(noise=Correlated(noise=Gamma(alpha=26.0), "
            "A=CorrelationFilter(boundary='zero')), sigma=0.0392156862745098, exact=False)",
        ),
        (
            "likelihood",
            "gaussian:sigma=0.1,operator=(downsample:factor=2)",
            "Gaussian(sigma=0.1, operator=Downsample(factor=2))",
        ),
        (
            "operator",
            "compose:outer=grayscale,inner=(downsample:factor=2)",
            "Compose(outer=Grayscale(weights=(0.299, 0.587, 0.114)), inner=Downsample(factor=2))",
        ),
        (
            "operator",
            "stack:operators=(downsample:factor=2),(grayscale),identity,image_shape=3,8,8",
            "Stack([Downsample(factor=2), Grayscale(weights=(0.299, 0.587, 0.114)), Identity()], "
            "image_shape=(3, 8, 8))",
        ),
        (
            "operator",
            "compose:outer=(compose:outer=(identity),inner=(identity)),inner=(identity)",
            "Compose(outer=Compose(outer=Identity(), inner=Identity()), inner=Identity())",
        ),
    ],
)
def test_parts_within_parts(kind, text, shown):
    assert repr(make(kind, text)) == shown


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("mixture:sigma=0.1", r"needs noise; type mixture:noise=\(likelihood\),sigma=<a number>"),
        ("mixture:noise=poisson:peak=30,sigma=1", r"put in parentheses: \(poisson:peak=30\)"),
        ("mixture:noise=(poisson:pek=30),sigma=0.1", "poisson has no option 'pek'; did you mean"),
        ("mixture:noise=(poisson:peak=0),sigma=0.1", "peak=0: it is positive"),
        ("mixture:noise=(poisson:peak=9),unobserved,sigma=0.1", "that is one likelihood, not 2"),
        ("mixture:noise=(gaussian:sigma=25),sigma=0.1", "on the scale 0..255"),
        (
            "mixture:noise=(mask),sigma=0.1",
            "no likelihood called 'mask', but one of kind operator",
        ),
        ("mixture:noise=((gamma:alpha=9)),sigma=0.1", r"called '\(gamma'"),
        ("mixture:noise=(),sigma=0.1", "has no name"),
        ("correlated:noise=(gamma:alpha=9),A=(downsample:factor=2)", "can't correlate noise"),
    ],
)
def test_mistakes_within_parts(text, message):
    with pytest.raises((InputError, UnknownNameError), match=message):
        make("likelihood", text)


def test_a_matrix_comes_from_a_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    numpy.save("H.npy", numpy.ones((3, 64)))
    numpy.savez("two.npz", a=numpy.ones(3), b=numpy.ones(3))
    Path("H.txt").write_text("1 2 3")
    dense = make("operator", "dense:file=H.npy,image_shape=1,8,8")
    assert repr(dense) == "Dense(3x64, image_shape=(1, 8, 8))"
    for file, message in {
        "none.npy": "can't be read as a matrix: .*No such file",
        "H.txt": "can't be read as a matrix",
        "two.npz": "holds several arrays",
    }.items():
        with pytest.raises(InputError, match=message):
            make("operator", f"dense:file={file},image_shape=1,8,8")
    with pytest.raises(InputError, match="takes 64 pixels, but images of shape"):
        make("operator", "dense:file=H.npy,image_shape=1,4,4")


def test_usage_of_parts_within_parts():
    shown = {part.name: usage(part) for part in catalogue().components}
    assert shown["mixture"] == "mixture:noise=(likelihood),sigma=<a number>,exact=no"
    assert shown["correlated"] == "correlated:noise=(likelihood)"
    assert shown["compose"] == "compose:outer=(operator),inner=(operator)"
    assert shown["stack"].startswith("stack:operators=(operator),(...),image_shape=")


def test_chosen_parts_are_made_or_shown_as_they_are():
    (poisson,) = chosen("poisson:peak=5")
    assert poisson.example().peak == 5 and poisson.name == "poisson"
    assert chosen("poisson")[0].example().peak == 30
    with pytest.raises(UnknownNameError, match="no solver called 'poisson'"):
        chosen("poisson", "solver")


MIXTURE = "mixture:noise=(gamma:alpha=26),sigma=0.04"


def test_the_matrix_of_parts_that_were_typed(invprob):
    shown = invprob(f"matrix {MIXTURE} gamma gaussian:sigma=0.1,operator=(grayscale)").stdout
    assert MIXTURE in shown and shown.count("\n") == 4
    why = invprob(f"matrix --why ddrm {MIXTURE}").stdout
    assert "ddrm and the likelihood mixture: likelihood Mixture(noise=Gamma(alpha=26.0)" in why
    assert "singular coordinates" in why
    assert "they go together" in invprob(f"matrix --why pnp:iterations=3 {MIXTURE}").stdout
    wrong = invprob("matrix --why pnp mixture:noise=(gama:alpha=26),sigma=0.04", code=2).stderr
    assert "did you mean 'gamma'" in wrong
    wrong = invprob("matrix --why gamma gamma", code=2).stderr
    assert "no solver called 'gamma'" in wrong


def test_parts_that_were_typed_are_checked_simulated_and_solved(invprob):
    pytest.importorskip("invprob.testing")
    assert " 0 failed" in invprob("check stack:operators=(grayscale),image_shape=3,4,4").stdout
    invprob(f"simulate gray.png -l {MIXTURE} -o noisy.tif")
    invprob(f"solve noisy.tif -l {MIXTURE} -s pnp:iterations=2 -o clean.png")
    assert Path("clean.png").exists()
    blur = "compose:outer=(grayscale),inner=(circular-blur:kernel=uniform3)"
    invprob(f"simulate colour.png -l gaussian:sigma=0.02 -A {blur} -o blurred.tif")
    wrong = invprob(f"simulate gray.png -l gaussian:sigma=0.02 -A {blur} -o no.tif", code=2).stderr
    assert "Grayscale" in wrong and not Path("no.tif").exists()
