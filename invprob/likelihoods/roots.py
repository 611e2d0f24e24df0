"""Roots of increasing functions, of a whole image at once.

Two methods, both for all pixels together and without a loop over them:

* `root_between` needs only values: Chandrupatla's method, inverse quadratic interpolation guarded
  by bisection. It never leaves its bracket, which `root_around` finds where there is none yet.
* `least_beside` finds the global minimum of a function whose derivative is first concave and then
  convex, as happens for the negative logarithm of a noise model plus a parabola. On the concave
  side Newton's method from the left climbs to the root without ever passing it, on the convex side
  it descends from the right; at least one of the two exists, and the lower one is the minimum.
  Nothing is scanned and no minimum is missed.

T. R. Chandrupatla, A new hybrid quadratic/bisection algorithm for finding the zero of a nonlinear
function without using derivatives, Adv. Eng. Software 28 (1997).
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

ValueAndSlope = Callable[[Tensor], tuple[Tensor, Tensor]]


def root_between(
    function: Callable[[Tensor], Tensor], low: Tensor, high: Tensor, /, iterations: int = 80
) -> Tensor:
    """The root of an increasing function in [low, high], or the end that is nearest to it.

    Args:
        function: elementwise; -inf and +inf at the ends are fine.
        low: where the bracket begins, one for each pixel.
        high: where it ends.
        iterations: the most; a dozen is usual.

    >>> cube = lambda x: x**3 - torch.tensor([1.0, 8.0])
    >>> root_between(cube, torch.zeros(2), torch.full((2,), 5.0))
    tensor([1., 2.])
    """
    a, b = high, low
    at_a, at_b = function(a), function(b)
    before, after = at_b >= 0, at_a <= 0
    c, at_c = a, at_a
    share = torch.full_like(a, 0.5)
    eps, tiny = torch.finfo(a.dtype).eps, torch.finfo(a.dtype).tiny
    best = torch.where(at_a.abs() < at_b.abs(), a, b)
    for _ in range(iterations):
        x = a + share * (b - a)
        at_x = function(x)
        same = (at_x > 0) == (at_a > 0)
        c, at_c = torch.where(same, a, b), torch.where(same, at_a, at_b)
        b, at_b = torch.where(same, b, a), torch.where(same, at_b, at_a)
        a, at_a = x, at_x
        best = torch.where(at_a.abs() < at_b.abs(), a, b)
        least = (2 * eps * best.abs() + tiny) / (b - a).abs()
        done = (least > 0.5) | (at_a == 0) | (at_b == 0) | before | after
        if bool(done.all()):
            break
        share = torch.where(done, share, _share((a, b, c), (at_a, at_b, at_c)))
        share = share.clamp(least.clamp_max(0.5), 1 - least.clamp_max(0.5))
    return torch.where(before, low, torch.where(after, high, best))


def root_around(
    function: Callable[[Tensor], Tensor], start: Tensor, least: Tensor | float, /
) -> Tensor:
    """The root of an increasing function, in a bracket that grows from `start` until it holds one.

    Args:
        function: elementwise, defined from `least` on.
        start: where to look first; at least `least`.
        least: where the function begins. It is the answer where there is no root above it; a
            root further than some 1e5 away counts as none.

    >>> root_around(lambda x: x.exp() - 20, torch.zeros(1), -torch.inf)
    tensor([2.9957])
    """
    least = torch.as_tensor(least, dtype=start.dtype, device=start.device)
    start = torch.maximum(start, least)
    below = function(start) < 0
    reach = 0.02 * start.abs() + 1e-4
    end = start
    for _ in range(30):  # a billionfold
        end = torch.where(below, start + reach, torch.maximum(start - reach, least))
        short = ((function(end) < 0) == below) & (end > least)
        if not bool(short.any()):
            break
        reach = torch.where(short, 2 * reach, reach)
    return root_between(function, torch.minimum(start, end), torch.maximum(start, end))


def _share(points: tuple[Tensor, Tensor, Tensor], values: tuple[Tensor, Tensor, Tensor]) -> Tensor:
    """Where between a and b to look next: inverse quadratic interpolation if it can be trusted."""
    (a, b, c), (at_a, at_b, at_c) = points, values
    xi, phi = (a - b) / (c - b), (at_a - at_b) / (at_c - at_b)
    trusted = (phi.square() < xi) & ((1 - phi).square() < 1 - xi)
    share = at_a / (at_b - at_a) * at_c / (at_b - at_c) + (c - a) / (b - a) * at_a / (
        at_c - at_a
    ) * at_b / (at_c - at_b)
    return torch.where(trusted & torch.isfinite(share), share, 0.5)


def newton(
    function: ValueAndSlope, start: Tensor, stop: Tensor, /, iterations: int = 60
) -> tuple[Tensor, Tensor]:
    """Newton's method from `start`; a pixel that passes `stop` or meets a slope <= 0 has no root.

    Returns the last point and whether there is a root, for each pixel.
    """
    forward = stop >= start
    x, found = start, torch.ones_like(start, dtype=torch.bool)
    settled = torch.finfo(x.dtype).eps ** 0.5 / 100  # the step after such a step is below eps
    for _ in range(iterations):
        value, slope = function(x)
        change = -value / slope
        new = x + change
        found = found & (slope > 0) & (new.isfinite())
        found = found & torch.where(forward, new <= stop, new >= stop)
        x = torch.where(found, new, x)
        if bool((~found | (change.abs() <= settled * x.abs())).all()):
            break
    return x, found


def least_beside(
    function: ValueAndSlope, low: Tensor, bend: Tensor, high: Tensor, /
) -> tuple[Tensor, Tensor]:
    """The minima of an objective on either side of the point where its derivative bends.

    Args:
        function: the derivative and its slope; concave below `bend`, convex above it.
        low: where the derivative is <= 0.
        bend: where it turns from concave to convex.
        high: where the derivative is >= 0.

    Returns:
        The minimum below the bend and the one above it; twice the same one if there is only one.
    """
    margin = 1e-3 * (high - low)  # a root in the bend itself must not be lost to rounding
    left, has_left = newton(function, low, torch.maximum(bend, low) + margin)
    right, has_right = newton(function, high, torch.minimum(bend, high) - margin)
    if not bool((has_left | has_right).all()):
        only = root_between(lambda x: function(x)[0], low, high)
        left, has_left = torch.where(has_left | has_right, left, only), has_left | ~has_right
    return torch.where(has_left, left, right), torch.where(has_right, right, left)
