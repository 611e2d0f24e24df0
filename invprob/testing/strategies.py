"""Hypothesis strategies: the kit's own cases, and material for tests of one's own.

What hypothesis chooses are seeds and sizes; numbers are drawn from the seed. A failure shrinks to
a small seed and a small shape.

>>> from hypothesis import given
>>> from invprob.testing.strategies import images
>>> @given(x=images((1, 4, 4)))
... def test_it_keeps_the_range(x):
...     assert 0 <= x.min() and x.max() <= 1
>>> test_it_keeps_the_range()
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import torch
from hypothesis import HealthCheck, Phase, Verbosity, given, settings
from hypothesis import seed as seeded
from hypothesis import strategies as st
from torch import Tensor

from ..contracts import Shape
from ..operators.blur import CircularBlur
from ..operators.compose import Compose
from ..operators.correlation import CorrelationFilter
from ..operators.decimate import BlurDecimate
from ..operators.downsample import Downsample
from ..operators.grayscale import Grayscale
from ..operators.identity import Identity
from ..operators.mask import Mask
from ..operators.separable import SeparableBlur
from ..operators.stack import Stack
from ..operators.valid_blur import Blur
from ..streams import generator
from .case import Case
from .subject import Subject
from .verdict import Skip

T = TypeVar("T")

seeds = st.integers(min_value=0, max_value=2**20)
"""Seeds, for anything that draws from a generator."""


def cases(whom: Subject, /) -> st.SearchStrategy[Case]:
    """The cases of a part under test."""
    return st.builds(
        whom.case, seed=seeds, shape=st.sampled_from(whom.shapes), batch=st.integers(1, 3)
    )


def images(
    shape: Shape, /, *, low: float = 0.0, high: float = 1.0, batch: int = 1
) -> st.SearchStrategy[Tensor]:
    """Images `(batch, *shape)`, uniform in `[low, high]`, float64."""
    return seeds.map(lambda seed: low + (high - low) * _uniform(seed, (batch, *shape)))


def noise_levels(low: float = 1e-3, high: float = 1.0) -> st.SearchStrategy[Tensor]:
    """Noise levels of shape `()`, uniform in their logarithm."""
    return seeds.map(lambda seed: low * (high / low) ** _uniform(seed, ()))


def masks(shape: Shape, /) -> st.SearchStrategy[Tensor]:
    """Boolean masks of this shape with any share of True; at least one pixel is seen."""

    def draw(seed: int, share: float) -> Tensor:
        unit = _uniform(seed, shape)
        return (unit < share) | (unit == unit.min())

    return st.builds(draw, seeds, st.floats(0.0, 1.0))


def kernels(sides: tuple[int, ...] = (1, 2, 3, 5)) -> st.SearchStrategy[Tensor]:
    """Blur kernels `(h, w)`, non-negative, of sum 1, without any symmetry."""

    def draw(seed: int, height: int, width: int) -> Tensor:
        weights = _uniform(seed, (height, width)) + 1e-3
        return weights / weights.sum()

    side = st.sampled_from(sides)
    return st.builds(draw, seeds, side, side)


def operators(shape: Shape, /) -> st.SearchStrategy[Any]:
    """Linear operators for images of this shape `(C, H, W)`, alone, composed or stacked."""
    height, width = shape[-2:]
    sides = tuple(n for n in (1, 2, 3, 5) if n <= min(height, width))
    factors = [n for n in (1, 2, 3, 4) if height % n == 0 and width % n == 0]
    borders = st.sampled_from(["zero", "replicate", "circular"])
    keeping = st.one_of(
        st.just(Identity()),
        st.builds(Mask, masks((height, width))),
        st.builds(CircularBlur, kernels(sides)),
        st.builds(lambda k, b: SeparableBlur(k[0], k[:, 0], b), kernels(sides), borders),
        st.builds(CorrelationFilter, borders),
    )
    reducing = st.one_of(
        st.builds(Downsample, st.sampled_from(factors)),
        st.builds(lambda k, n: BlurDecimate(k, n), kernels(sides), st.sampled_from(factors)),
        st.builds(Blur, kernels(sides)),
        st.just(Grayscale([1 / shape[0]] * shape[0])),
    )
    single = st.one_of(keeping, reducing)
    both = st.builds(Compose, single, keeping)
    return st.one_of(single, both, st.builds(lambda a, b: Stack([a, b], shape), single, both))


def measurements(likelihood: Any, x: Tensor, /) -> st.SearchStrategy[Tensor]:
    """Measurements of the image x, drawn by the likelihood and therefore in its support."""
    return seeds.map(lambda seed: likelihood.sample(x, generator(seed)))


def drive(attempt: Callable[[Case], T], whom: Subject, seed: int, examples: int) -> T:
    """Run `attempt` on cases that hypothesis chooses; raise what the simplest failure raised."""
    answers: list[T] = []
    raised: list[BaseException] = []
    skipped: list[Skip] = []

    @seeded(seed)
    @settings(
        max_examples=examples,
        database=None,
        deadline=None,
        phases=(Phase.generate, Phase.shrink),
        verbosity=Verbosity.quiet,
        print_blob=False,
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=cases(whom))
    def property_holds(case: Case) -> None:
        try:
            answers.append(attempt(case))
        except Skip as reason:
            skipped.append(reason)
        except BaseException as error:
            raised.append(error)
            raise

    try:
        property_holds()
    except BaseException:  # hypothesis may wrap or complain; the part's own failure is the news
        if not raised:
            raise
        raise raised[-1] from None
    if not answers:
        raise skipped[-1]
    return answers[-1]


def _uniform(seed: int, shape: Shape) -> Tensor:
    return torch.rand(shape, generator=generator(seed), dtype=torch.float64)
