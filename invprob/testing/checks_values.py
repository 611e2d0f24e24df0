"""Checks that hold for every method of every part: pure, batched, of any precision and device."""

from __future__ import annotations

import pickle
import time
from collections.abc import Iterator
from typing import Any

import attrs
import torch
from torch import Tensor, nn

from ..contracts import Withdraws
from .calls import Call, calls
from .case import Case
from .elsewhere import networks_stay, refusal_of
from .registry import check
from .support import SAY, refuses
from .verdict import CheckFailure, Figure, close, finite, holds, looks_like, skip

PARTS = "prior likelihood operator"
LONG = 1.0
"""Seconds that no call should take."""


def _pairs(call: Call, ours: Any, theirs: Any, limit: float, how: str) -> Figure:
    """Both answers agree, output by output."""
    figure = Figure(0.0, limit)
    for number, (a, b) in enumerate(zip(ours, theirs, strict=True)):
        name = call.name if len(ours) == 1 else f"output {number} of {call.name}"
        figure |= close(call.view(a), call.view(b), limit, f"{name} {how}")
    return figure


@check(PARTS)
def arguments_are_left_alone(part: Any, case: Case) -> Figure:
    """No method changes its arguments, also out-of-range ones, or torch's global random state.

    Pixels far below 0 and far above 1 show a clamp in place, which leaves other images alone.
    """
    state = torch.random.get_rng_state()
    for call in calls(part, case):
        _unchanged_by(call)
        try:
            _unchanged_by(_out_of_range(part, call, case.kind))
        except CheckFailure:
            raise
        except Exception:  # it may refuse such images, with arguments unchanged
            continue
    return holds(
        bool(torch.equal(state, torch.random.get_rng_state())),
        "torch's global random state moved; draw from the generator that is given",
    )


def _unchanged_by(call: Call) -> None:
    """Compare arguments before and after; they are compared where the method raises, too."""
    before = [a.clone() for a in call.given]
    try:
        call()
    finally:
        for old, new in zip(before, call.given, strict=True):
            holds(bool(torch.equal(old, new)), f"{call.name} changed one of its arguments")


def _out_of_range(part: Any, call: Call, kind: str) -> Call:
    """The same call with pixels 3 too bright and 3 too dark in turn, y 30 times as far."""
    start = 1 if kind == "likelihood" and call.name != "sample" else 0
    end = len(call.given) - call.level
    changed = [
        _distant(part, a) if k < start else a + 3 * _signs(a) if k < end else a.clone()
        for k, a in enumerate(call.given)
    ]
    return attrs.evolve(call, given=tuple(changed))


def _distant(part: Any, y: Tensor) -> Tensor:
    """A measurement 30 times as far from 0, to both sides if `check_measurement` accepts that."""
    both = 30 * y * _signs(y)
    return both if not refuses(part, both) else 30 * y if not refuses(part, 30 * y) else y + 0


def _signs(a: Tensor) -> Tensor:
    """1 and -1 in turn."""
    return 1 - 2 * (torch.arange(a.numel()).reshape(a.shape) % 2).to(a)


@check(PARTS)
def the_same_again(part: Any, case: Case) -> Figure:
    """A second call with the same arguments (and generator state) gives the same answer."""
    figure = Figure(0.0, 1e-12)
    for call in calls(part, case):
        figure |= _pairs(call, call(), call(), 1e-12, "on a second call")
    return figure


@check(PARTS)
def rows_do_not_mix(part: Any, case: Case) -> Figure:
    """A row of a batch is treated as if it were alone."""
    figure = Figure(0.0, 1e-5)  # networks compute in single precision
    for call in calls(part, attrs.evolve(case, batch=3)):
        if call.random:
            continue
        alone = [call.row(k)() for k in range(3)]
        joined = tuple(torch.cat(rows) for rows in zip(*alone, strict=True))
        figure |= _pairs(call, call(), joined, 1e-5, "of a batch, against rows alone,")
    return figure


@check("prior likelihood")
def one_level_serves_all_rows(part: Any, case: Case) -> Figure:
    """A noise level or step of shape () is the same as that number in every row."""
    figure = None
    for call in calls(part, attrs.evolve(case, batch=3)):
        if not call.level:
            continue
        *rest, level = call.given
        each = attrs.evolve(call, given=(*rest, level[:1].expand(3)))
        single = attrs.evolve(call, given=(*rest, level[0]))
        found = _pairs(call, single(), each(), 1e-9, "for a level of shape ()")
        figure = found if figure is None else figure | found
    return figure or skip("none of its methods takes a noise level or a step")


@check(PARTS)
def single_precision_agrees_with_double(part: Any, case: Case) -> Figure:
    """float32 in, float32 out, and nearly the numbers of float64."""
    limit = 2e-3  # 24 bits, and gradients that cancel three digits
    figure = Figure(0.0, limit)
    for call in calls(part, case):
        exact = call()
        rough = call.with_arguments(lambda a: a.to(torch.float32))()
        for a, b in zip(rough, exact, strict=True):
            looks_like(a, tuple(b.shape), torch.float32, f"{call.name} of float32 arguments")
        if not call.random:
            figure |= _pairs(call, rough, exact, limit, "in float32")
    return figure


@check(PARTS, once=True)
def constants_follow_the_device(part: Any, case: Case) -> Figure:
    """Arguments on another device meet no tensor that stayed behind (tried on torch's `meta`)."""
    if any(isinstance(value, nn.Module) for value in _values(part)):
        skip("it holds a network, which lives where it was put")
    made = calls(part, case)
    for call in made:
        call()  # a network that is loaded when it is first needed is there from now on
    with networks_stay(case.kind) as moved:
        refused = [said for call in made if (said := refusal_of(call))]
    if moved:
        skip(
            f"it moves a network that its calls share ({', '.join(sorted(set(moved)))}) with "
            ".to(), and calls on two devices would take it from each other; recommended is one "
            "for each device, by a function of the device under functools.cache"
        )
    if len(refused) == len(made):
        skip(f"can't tell without a second device: {refused[0]}")
    return Figure(0.0, 1.0)


@check(PARTS, once=True)
def answers_need_no_gradient(part: Any, case: Case) -> Figure:
    """No answer asks for a gradient where no argument does (recommended, not required)."""
    for call in calls(part, case):
        if any(answer.requires_grad for answer in call()):
            skip(
                f"{call.name} answers with requires_grad=True, so every call outside of solve "
                "keeps memory for a gradient; recommended is network.requires_grad_(False)"
            )
    return Figure(0.0, 1.0)


@check(PARTS, once=True)
def no_call_takes_long(part: Any, case: Case) -> Figure:
    """A call for two small images takes less than a second (recommended, not required)."""
    slowest, longest = "", 0.0
    for call in calls(part, case):
        call()  # the first one may load a file
        start = time.perf_counter()
        call()
        took = time.perf_counter() - start
        slowest, longest = max((slowest, longest), (call.name, took), key=lambda one: one[1])
    if longest > LONG:
        skip(
            f"{slowest} took {longest:.1f} s for {case.batch} images of shape {case.shape}; "
            "recommended to look: a run calls it once a step or more, for images a thousand times "
            "as large"
        )
    return Figure(0.0, 1.0)


@check("prior likelihood", once=True)
def extreme_images_give_no_nan(part: Any, case: Case) -> Figure:
    """Black, white and slightly overshooting pixels never lead to NaN, nor to infinite images."""
    for call in calls(part, case):
        for pixel in (0.0, 1.0, -0.1, 1.1):
            for answer in call.with_image(pixel)():
                what = f"{call.name} with all pixels {pixel}"
                if call.image:
                    finite(answer, what)
                holds(not bool(answer.isnan().any()), f"{what} has NaN")
    return Figure(0.0, 1.0)


@check("likelihood", once=True)
def strange_measurements_are_refused_or_harmless(part: Any, case: Case) -> Figure:
    """A y that check_measurement accepts, however unlikely, leads to no NaN; log p is not +inf."""
    for call in calls(part, case)[1:]:
        y, *rest = call.given
        for strange in (-0.5 + 0 * y, 0 * y, 1e-3 + 0 * y, 100 + 0 * y, y + 0.0123, y - 0.5):
            if refuses(part, strange):
                continue
            for answer in attrs.evolve(call, given=(strange, *rest))():
                what = f"{call.name} for the strange measurement {float(strange.flatten()[0]):.4g}"
                holds(not bool(answer.isnan().any()), f"{what} has NaN; {SAY}")
                if call.image:
                    finite(answer, what)
                if call.name == "log_prob":
                    holds(bool((answer < torch.inf).all()), f"{what} is +inf")
    return Figure(0.0, 1.0)


@check(PARTS, once=True)
def survives_pickling(part: Any, case: Case) -> Figure:
    """pickle.loads(pickle.dumps(part)) gives the same answers, so it can go to another process.

    A part that can't be pickled says so aloud, and is of use in one process: that is a
    recommendation. A copy that fails or answers something else is a failure.
    """
    try:
        stored = pickle.dumps(part)
    except Exception as error:  # pickle has no error of its own for all that it refuses
        skip(
            f"it can't be pickled, so it can't go to another process: {error}; recommended is a "
            "function or class defined at the top of a module that can be imported, for a lambda "
            "or one inside a function"
        )
    twin = pickle.loads(stored)
    figure = Figure(0.0, 1e-12)
    for one, other in zip(calls(part, case), calls(twin, case), strict=True):
        figure |= _pairs(one, one(), other(), 1e-12, "after pickling")
    return figure


@check("prior likelihood operator solver", once=True)
def repr_is_short(part: Any, case: Case) -> Figure:
    """repr(part) starts with the class's name and has fewer than 300 characters, no tensor.

    Python's own, of a class without `__repr__`, tells nothing wrong, only little: what that leads
    to is a recommendation.
    """
    inherited: object = object.__repr__
    if type(part).__repr__ is inherited:
        skip(
            f"it has no __repr__ and shows as {repr(part).partition(' at 0x')[0]}>; @attrs.frozen "
            "is recommended, which makes one that shows the numbers"
        )
    text = repr(part)
    holds(len(text) < 300, f"repr has {len(text)} characters: {text[:60]}...")
    holds("tensor(" not in text, f"repr shows a tensor: {text[:60]}...")
    return holds(
        text.startswith(type(part).__name__),
        f"repr is {text[:60]!r}; start with {type(part).__name__}(",
    )


@check("prior likelihood operator solver", once=True)
def is_frozen(part: Any, case: Case) -> Figure:
    """A part is a value: attributes can't be set (recommended, not required)."""
    try:
        part.conformance_probe = 1
    except (AttributeError, TypeError):
        return Figure(0.0, 1.0)
    del part.conformance_probe
    skip("its attributes can be set; @attrs.frozen is recommended, so that nobody changes it")


@check("prior likelihood", once=True)
def withdrawals_have_reasons(part: Any, case: Case) -> Figure:
    """withdrawn() names capabilities, each with a reason in words."""
    for capability, reason in part.withdrawn().items() if isinstance(part, Withdraws) else ():
        holds(isinstance(capability, type), f"withdrawn() has the key {capability!r}, not a class")
        holds(bool(reason.strip()), f"{capability.__name__} is withdrawn without a reason")
    return Figure(0.0, 1.0)


def _values(part: Any, depth: int = 4) -> Iterator[object]:
    yield part
    if attrs.has(type(part)) and depth:
        for field in attrs.fields(type(part)):
            yield from _values(getattr(part, field.name, None), depth - 1)
