"""The Gaussian that stands in for p(y | x) near an image, pixel by pixel.

With l = log p(y | .), and z the proximal point of x,

    z = argmin -sigma² l(z) + ½ (z - x)²,   g = (z - x) / sigma²,   w = z + g / J,   J = -l''(z),

the law N(w; ., 1 / J) has l's gradient and curvature at z, which is the likeliest image within
about sigma of x: there l'(z) = g. It also has l's proximal point, whatever J is,

    (x / sigma² + J w) / (1 / sigma² + J) = z.

So where l is convex or straight, and J a small positive number instead, an iteration that renews
the Gaussian around its own result still obeys the gradient of the true likelihood. z is inside
the support, which x need not be. On its edge (no photon, and so z = 0) l is a slope that is cut
off, l'(z) < g. The law exp(l' x) has the deviation 1 / |l'|, hence J = l' (l' - g) at least. As
sigma falls, z -> x: Laplace's approximation at x. For a Gaussian likelihood nothing is
approximate.

Reference: L. Tierney, J. B. Kadane (1986). Accurate Approximations for Posterior Moments and
Marginal Densities. Journal of the American Statistical Association 81.
https://doi.org/10.1080/01621459.1986.10478240
"""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import torch
from torch import Tensor

from ..contracts import Surrogate
from ..errors import InputError
from .derived import gradient
from .rows import per_row

FLATTEST = 1e-6
"""The least curvature of a surrogate, in units of 1 / sigma²: its sd is 1000 sigma at most."""


@runtime_checkable
class Smooth(Protocol):
    """A noise with what it takes to find its surrogate."""

    def grad_x(self, y: Tensor, x: Tensor, /) -> Tensor:
        """∇ₓ log p(y | x); torch must be able to differentiate it."""

    def prox(self, y: Tensor, v: Tensor, step: Tensor, /) -> Tensor:
        """argminₓ -step log p(y | x) + ½ ‖x - v‖²."""


def pixelwise_surrogate(noise: Smooth, y: Tensor, x: Tensor, sigma: Tensor, /) -> Surrogate:
    """The Gaussian that stands in for p(y | x) within about sigma of x.

    It is what `surrogate(y, x, sigma)` of a noise that treats every pixel by itself returns.

    Args:
        noise: a likelihood with `prox` and `grad_x`, in which y_i depends on x_i alone.
        y: the measurement, of x's shape.
        x: the image `(B, *image)` around which to look; it may be outside the support.
        sigma: how far, in units of the image, `()` or `(B,)`.

    Raises:
        InputError: noise lacks `prox` or `grad_x`.

    >>> import torch, invprob as ip
    >>> y, x = torch.tensor([[0.5]]), torch.tensor([[0.4]])
    >>> near = ip.pixelwise_surrogate(ip.Gaussian(sigma=0.1), y, x, torch.tensor(0.05))
    >>> near.w, near.sd
    (tensor([[0.5000]]), tensor([[0.1000]]))
    """
    if not isinstance(noise, Smooth):
        raise InputError(
            f"{noise!r} needs both `prox(y, v, step)` and `grad_x(y, x)` to have a surrogate; with"
            " log_prob and grad_x alone, it has a prox by iteration within its own surrogate:"
            " return ip.pixelwise_surrogate(ip.iterative_prox(self), y, x, sigma)"
        )
    step = per_row(sigma, x).square()
    z = noise.prox(y, x, step.flatten() if step.ndim else step)
    bend = gradient(lambda at, data: noise.grad_x(data, at), z, y)
    pull, slope = (z - x) / step, noise.grad_x(y, z)
    edge = (slope * (slope - pull)).nan_to_num(posinf=0.0, neginf=0.0)
    curvature = torch.maximum(-bend.nan_to_num(posinf=0.0, neginf=0.0), edge)
    curvature = torch.maximum(curvature, FLATTEST / step)
    return Surrogate(z + pull / curvature, curvature.rsqrt(), torch.clone, torch.clone)
