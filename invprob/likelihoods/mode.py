"""The score that algorithm 5 of Xie et al. inverts, for a noise plus white Gaussian noise.

For y = w + sigma n, algorithm 5 solves s = f_w(x, y + sigma² s), where f_w is the score of w. Call
w* = y + sigma² s; then

    f_w(x, w*) = (w* - y) / sigma²,

so w* is where the derivative of log p_w(w | x) - (w - y)² / 2 sigma² vanishes, the *mode* of w
given y and x, and

    s = (w* - y) / sigma² = ∇_y max over w of [log p_w(w | x) + log N(y; w, sigma²)].

Algorithm 5 is the exact score equation of that profile likelihood, in which the integral over w is
replaced by its largest term. This file goes from x to s, the way back. For a noise that treats
every pixel by itself w* is the root of an increasing function of one number. Behind a filter,
w = A u, it is the root of a monotone function of a whole image,

    Aᵀ (A u - y) / sigma² - f_u(x, u) = 0,

found by Newton's method, each step by conjugate gradients with the diagonal scaled to one.

Y. Xie, M. Yuan, B. Dong, Q. Li (2023). Unsupervised Image Denoising with Score Function. NeurIPS.
https://arxiv.org/abs/2304.08384
"""

from __future__ import annotations

from functools import partial
from typing import Any

import torch
from torch import Tensor

from .correlated import Correlated
from .delegation import equation_of, least_y
from .derived import gradient
from .descent import solve
from .roots import root_around
from .rows import per_row, total

STEPS, HALVINGS = 100, 50


def mode_score(noise: Any, y: Tensor, x: Tensor, sigma: float, /) -> Tensor:
    """The score (w* - y) / sigma², where w* is the mode of w given y and x.

    Args:
        noise: the law of w, pixel by pixel, with a score or an equation in its place, or such a
            one behind one filter (`Correlated`).
        y: the measurement.
        x: the image.
        sigma: the level of the white noise.

    >>> import invprob as ip
    >>> y, x = torch.tensor([[0.5]]), torch.tensor([[0.3]])
    >>> score = mode_score(ip.Gaussian(sigma=0.1), y, x, 0.2)  # (x - y) / (sigma² + 0.1²)
    >>> abs(float(score) + 4) < 1e-4
    True
    """
    if isinstance(noise, Correlated):
        mode: Tensor = noise.A.forward(_behind_filter(noise, y, x, sigma))
    else:
        mode = _alone(noise, y, x, sigma)
    return (mode - y) / sigma**2


def _alone(noise: Any, y: Tensor, x: Tensor, sigma: float) -> Tensor:
    def excess(w: Tensor) -> Tensor:
        return (w - y) - sigma**2 * equation_of(noise, w, x)

    return root_around(excess, y, least_y(noise, x))


def _behind_filter(noise: Correlated, y: Tensor, x: Tensor, sigma: float) -> Tensor:
    A, inner, variance = noise.A, noise.noise, sigma**2
    least = least_y(inner, x)

    def excess(u: Tensor) -> Tensor:
        score: Tensor = A.adjoint(A.forward(u) - y) - variance * equation_of(inner, u, x)
        return score

    u = torch.maximum(A.inverse(y), least + 0.1 * x.abs())
    value = excess(u)
    settled = torch.finfo(u.dtype).eps ** 0.5 / 100  # the step after such a step is below eps
    for _ in range(STEPS):
        bend = -variance * gradient(partial(equation_of, inner), u, x)
        scale = (1 + bend.clamp_min(0)).rsqrt()

        def product(d: Tensor, scale: Tensor = scale, bend: Tensor = bend) -> Tensor:
            way: Tensor = scale * d
            across: Tensor = A.adjoint(A.forward(way))
            return scale * (across + bend * way)

        way = scale * solve(product, -scale * value)
        room = torch.where(way < 0, 0.9 * (least - u) / way, torch.inf).flatten(1).amin(1)
        length, downhill = room.clamp_max(1), total(value * way)
        for _ in range(HALVINGS):
            there = excess(u + per_row(length, u) * way)
            short = total(there * way) <= downhill.abs()
            if bool(short.all()):
                break
            length = torch.where(short, length, length / 2)
        change = per_row(length, u) * way
        u, value = u + change, there
        if bool((change.abs() <= settled * u.abs()).all()):
            break
    return u
