"""Data completed to an image: what they fix, and a smooth surface where they fix nothing.

The likelihood's prox tells both, without knowing its operator. Pulled towards a black image it
gives `low`, towards a white one `high`; where the data decide, the two agree. So `trust = 1 -
(high - low)` is 1 at a pixel that was measured and 0 at one that was not, and `low / trust` is
what the data say of it. What is missing is filled by normalised averaging over ever larger blocks
(a pyramid), each taken only as far as the finer ones leave trust to give.

Means of blocks (super-resolution) fix black and white at every pixel, and yet few of the pixels'
differences. So no more pixels are kept than there are coordinates that the data decide as well as
any, where the singular values tell how many: the image is averaged over blocks of as many pixels
as there are for each of them, and interpolated by cubics. A method that then takes the
likelihood's prox loses nothing that the data know. Four-fold super-resolution gains 0.05 dB by it
in eight calls of `PnP`.

A blurred photograph is a start as it is (`CircularBlur`; with motion blur `PnP` ends 0.1 to 0.2 dB
higher than from means of blocks), and where its borders are missing (`Blur`) only what lies beyond
them is filled in: photographs end within 0.1 dB of where the prox from black and white would have
led, which takes hundreds of products each.

Reference: H. Knutsson, C.-F. Westin, Normalized and differential convolution, CVPR 1993; the
pyramid is the pull-push algorithm, S. J. Gortler, R. Grzeszczuk, R. Szeliski, M. F. Cohen, The
Lumigraph, SIGGRAPH 1996.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, interpolate

from ..contracts import Proximal
from ..operators.blur import CircularBlur
from ..operators.structure import PartOf
from ..problem import Problem
from .agreement import agree
from .balance import decided, deviations

ENOUGH = 1e-3


def fill(problem: Problem[Any, Proximal], step: float, /) -> Tensor:
    """An image `(B, *image)` that agrees with the data and is smooth where they are silent.

    Args:
        problem: prior, likelihood and measurement.
        step: of the prox; the variance that an image without data may have.
    """
    black = problem.zeros()
    if (placed := _in_place(problem)) is not None:
        return _pull_push(*placed)
    size = torch.as_tensor(step).to(black)
    low = agree(problem, black, size)
    high = agree(problem, black + 1, size)
    trust = (1 - (high - low)).clamp(0, 1)
    if black.ndim == 4:
        side = _pixels_per_coordinate(problem, step) ** 0.5
        return _blur(_pull_push(low, trust), side)
    return low + (1 - trust) * _average(low, trust)


def _in_place(problem: Problem[Any, Proximal]) -> tuple[Tensor, Tensor] | None:
    """A measurement that shows the image, or a part, in its place, and trust 1 there; or None."""
    likelihood: Any = problem.likelihood
    operator = getattr(likelihood, "operator", None)
    if not isinstance(operator, PartOf | CircularBlur) or problem.y.ndim != 4:
        return None
    white = likelihood.operator.forward(problem.zeros() + 1)
    if not bool((white > 0).all()):
        return None
    if isinstance(operator, CircularBlur):
        return problem.y / white, torch.ones_like(white)
    placed, seen = operator.placed(problem.y / white)
    return placed, seen.to(placed).expand_as(placed)


def _pixels_per_coordinate(problem: Problem[Any, Proximal], step: float) -> float:
    """How many pixels there are for each coordinate that the data decide; 1 if it is not known.

    A coordinate counts as much as the best one says: white noise leaves all of them.
    """
    sd = deviations(problem)
    if sd is None or not bool(sd.isfinite().any()):
        return 1.0
    return min(decided(sd.amin(), step) / decided(sd, step), float(sd.numel()))


def _blur(image: Tensor, side: float) -> Tensor:
    """Means over blocks of about `side` pixels, a whole number, and cubics between them."""
    size = image.shape[-2:]
    coarse = tuple(max(1, round(n / round(side))) for n in size)
    if coarse == tuple(size):
        return image
    means = interpolate(image, coarse, mode="area")
    return interpolate(means, size, mode="bicubic", align_corners=False)


def _pull_push(known: Tensor, trust: Tensor) -> Tensor:
    """`known` (already times trust) completed to trust 1 from coarser and coarser averages."""
    if max(known.shape[-2:]) == 1:
        coarse = _average(known, trust)
    else:
        known_2, trust_2 = (_halve(part) for part in (known, trust))
        full = (1 / trust_2.clamp(min=ENOUGH)).clamp(max=4.0)
        coarse = _pull_push(known_2 * full, (trust_2 * full).clamp(max=1))
        coarse = interpolate(coarse, known.shape[-2:], mode="bilinear", align_corners=False)
    return known + (1 - trust) * coarse


def _halve(part: Tensor) -> Tensor:
    kernel = tuple(min(2, n) for n in part.shape[-2:])
    return avg_pool2d(part, kernel, ceil_mode=True)


def _average(known: Tensor, trust: Tensor) -> Tensor:
    """The mean of what is known, per image, in a shape that broadcasts; grey if nothing is."""
    over = tuple(range(1, known.ndim))
    weight = trust.sum(over, keepdim=True)
    return torch.where(weight > ENOUGH, known.sum(over, keepdim=True) / weight, 0.5)
