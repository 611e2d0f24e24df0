"""One estimate under noise that depends on the brightness, by a transform that makes it even.

Where bright pixels are noisier than dark ones, or the other way round, no noise level that a
denoiser is told is right for all of them: what is right for the middle smooths the shadows of
speckle away and leaves noise in its lights. After a variance-stabilising transform (`stabilised`)
the noise is Gaussian, nearly, and as strong everywhere. So

    u = (T(y) - low) / (high - low),     x = T⁻¹(low + (high - low) denoise(u, sd / (high - low)))

with one call of the denoiser, and the exact unbiased inverse for the way back. The range is that
of each image's own means over 5 x 5 pixels, and a tenth more at either end, so that u fills the
range that a prior for images knows; and no narrower than that the noise is at most 0.5, or the
most that the prior denoises.

Where pixels are missing as well (`Observed` with a mask) u is a picture with holes and Gaussian
noise of one level, which `PnP` completes in 8 calls.

What the denoiser sees is the image through a curve, its logarithm or its root. A network that
learned photographs takes it for one (`ToneFree`): photographs under speckle of 1.5 to 26 looks
gain 0.3 to 0.8 dB over 8 calls of `PnP`, those under photon counts up to half a decibel, those
under weak Rayleigh noise lose as much, and radar images, whose range is larger, gain several; with
pixels missing, up to one. A prior that knows the brightness of its images, such as a Gaussian, is
not one for their logarithm. Behind other operators there is no such transform.

The posterior mean of T(x) is not that of x: this is an estimate with no claim about uncertainty.

References: A. Foi (2009), Clipped noisy images: heteroskedastic modeling and practical denoising.
Signal Processing 89. https://doi.org/10.1016/j.sigpro.2009.04.035; M. Mäkitalo, A. Foi (2013),
Optimal Inversion of the Generalized Anscombe Transformation for Poisson-Gaussian Noise. IEEE TIP
22. https://doi.org/10.1109/TIP.2012.2202675
"""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from attrs import frozen
from torch import Tensor
from torch.nn.functional import avg_pool2d

from ..contracts import Denoises, Needs, Stabilises, ToneFree
from ..likelihoods.gaussian import Gaussian
from ..operators.structure import observed
from ..problem import Problem, domain_of
from ..streams import Streams
from .pnp import PnP

WINDOW = 5
ENOUGH = 0.15
"""The share of a window's pixels whose mean counts."""
MARGIN = 0.1
LOUDEST = 0.5


@frozen(eq=False)
class VSTState:
    """A run of `VST` between two steps.

    Attributes:
        x: the images, `(B, *image)`; those that are not done yet are the measurement.
        sigma: what the denoiser was told, the mean over the rows; 0 before the first call.
        done: how many steps are done.
    """

    x: Tensor
    sigma: float
    done: int


@frozen
class VST:
    """One estimate: a variance-stabilising transform, one denoiser call, the unbiased inverse.

    For noise that treats pixels by themselves: `Gamma`, `Poisson`, `Rayleigh`, `SignalDependent`,
    photon counts with read noise. With pixels missing it takes 8 calls for each image.

    >>> import invprob as ip
    >>> photo, noise = ip.sample_photo()[..., 96:160, 96:160], ip.Gamma(alpha=4)
    >>> y = noise.sample(photo, ip.generator(0))
    >>> x = ip.solve(ip.Problem(ip.DenoiserPrior.pretrained(), noise, y), ip.VST()).x
    >>> bool(ip.psnr(x, photo) > ip.psnr(y, photo) + 10)
    True
    """

    needs: ClassVar[Needs] = Needs(prior=(Denoises, ToneFree), likelihood=(Stabilises,))
    stochastic: ClassVar[bool] = False

    def steps(self, problem: Problem[Denoises, Stabilises], /) -> int:
        """One; where pixels are missing, one for each image."""
        return 1 if _measured(problem) is None else len(problem.y)

    def init(
        self, problem: Problem[Denoises, Stabilises], streams: Streams, x0: Tensor | None, /
    ) -> VSTState:
        """The measurement; an x0 makes no difference."""
        return VSTState(problem.y, 0.0, 0)

    def step(
        self, problem: Problem[Denoises, Stabilises], state: VSTState, streams: Streams, /
    ) -> VSTState:
        """All of it; where pixels are missing, the next image."""
        seen, done = _measured(problem), state.done + 1
        rows = slice(None) if seen is None else slice(state.done, done)
        even = problem.likelihood.stabilise(problem.y[rows])
        least, most = domain_of(problem.prior).sigma
        low, width = _range(even.value, even.sd / min(LOUDEST, most), seen)
        sigma = (even.sd / width).flatten().clamp(least, most)
        u = (even.value - low) / width
        if seen is None:
            denoised = problem.prior.denoise(u, sigma)
        else:
            denoised = _completed(problem, u * seen, float(sigma), streams)
        x = state.x.clone()
        x[rows] = even.inverse(denoised * width + low)
        return VSTState(x, float(sigma.mean()), done)

    def estimate(self, state: VSTState, /) -> Tensor:
        """The image."""
        return state.x


def _measured(problem: Problem[Denoises, Stabilises]) -> Tensor | None:
    """1 for pixels that were measured, 0 for others, `(1, *image)`; None if there are none."""
    operator = getattr(problem.likelihood, "operator", None)
    seen = observed(operator, problem.image_shape).to(problem.y)
    return None if bool(seen.all()) else seen.expand(1, *problem.image_shape)


def _completed(
    problem: Problem[Denoises, Any], u: Tensor, sigma: float, streams: Streams
) -> Tensor:
    """An image with holes, and white noise elsewhere, by `PnP`."""
    even = Problem(problem.prior, Gaussian(sigma, problem.likelihood.operator), u)
    solver = PnP()
    state = solver.init(even, streams, None)
    for _ in range(solver.steps(even)):
        state = solver.step(even, state, streams)
    return solver.estimate(state)


def _range(value: Tensor, narrowest: float, seen: Tensor | None) -> tuple[Tensor, Tensor]:
    """Where each image's range begins and how wide it is, in a shape that broadcasts."""
    counted = torch.ones_like(value) if seen is None else seen.expand_as(value)
    sums, shares = value * counted, counted
    if value.ndim == 4:
        window = min(WINDOW, value.shape[-2]), min(WINDOW, value.shape[-1])
        windows = avg_pool2d(counted, window)
        if bool((windows >= ENOUGH).flatten(1).any(1).all()):
            sums, shares = avg_pool2d(sums, window), windows
    counts, means = shares >= ENOUGH, sums / shares.clamp(min=ENOUGH)
    low = torch.where(counts, means, torch.inf).flatten(1).amin(1)
    high = torch.where(counts, means, -torch.inf).flatten(1).amax(1)
    width = ((1 + 2 * MARGIN) * (high - low)).clamp(min=narrowest)
    shape = (-1, *[1] * (value.ndim - 1))
    return ((low + high - width) / 2).view(shape), width.view(shape)
