"""One estimate under noise that depends on the brightness, by a transform that makes it even.

Where bright pixels are noisier than dark ones, or the other way round, no noise level that a
denoiser is told is right for all of them: what is right for the middle smooths the shadows of
speckle away and leaves noise in its lights. After a variance-stabilising transform (`stabilised`)
the noise is Gaussian, nearly, and as strong everywhere. So

    u = (T(y) - low) / (high - low),     x = T⁻¹(low + (high - low) denoise(u, sd / (high - low)))

with one call of the denoiser, and the exact unbiased inverse for the way back; the range is the
image's own (`evened`).

Where pixels are missing as well (`Observed` with a mask) u is a picture with holes and Gaussian
noise of one level, which `PnP` completes in 8 calls.

What the denoiser sees is the image through a curve, its logarithm or its root. A network that
learned photographs takes it for one (`ToneFree`): on average photographs under speckle of 1.5 to
26 looks gain 0.3 to 0.8 dB over 8 calls of `PnP` (24 others none at 20 looks), those under photon
counts up to half a decibel, those under weak Rayleigh noise lose as much, and radar images, whose
range is larger, gain several; with pixels missing, up to one. Photographs of saturated colours,
whose channels are nearly black in places, lose 1 to 3 dB by the logarithm. A prior that knows the
brightness of its images, such as a Gaussian, is not one for their logarithm. Behind other
operators there is no such transform.

The posterior mean of T(x) is not that of x: this is an estimate with no claim about uncertainty.
`VSTSampling` draws samples instead.

References: A. Foi (2009), Clipped noisy images: heteroskedastic modeling and practical denoising.
Signal Processing 89. https://doi.org/10.1016/j.sigpro.2009.04.035; M. Mäkitalo, A. Foi (2013),
Optimal Inversion of the Generalized Anscombe Transformation for Poisson-Gaussian Noise. IEEE TIP
22. https://doi.org/10.1109/TIP.2012.2202675
"""

from __future__ import annotations

from typing import Any, ClassVar

from attrs import frozen
from torch import Tensor

from ..contracts import Denoises, Needs, Stabilises, ToneFree
from ..likelihoods.gaussian import Gaussian
from ..problem import Problem
from ..streams import Streams
from .evened import evened, measured
from .pnp import PnP


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

    Method, what is exact, references: help("invprob.solvers.vst").
    """

    needs: ClassVar[Needs] = Needs(prior=(Denoises, ToneFree), likelihood=(Stabilises,))
    stochastic: ClassVar[bool] = False

    def steps(self, problem: Problem[Denoises, Stabilises], /) -> int:
        """One; where pixels are missing, one for each image."""
        return 1 if measured(problem) is None else len(problem.y)

    def init(
        self, problem: Problem[Denoises, Stabilises], streams: Streams, x0: Tensor | None, /
    ) -> VSTState:
        """The measurement; an x0 makes no difference."""
        return VSTState(problem.y, 0.0, 0)

    def step(
        self, problem: Problem[Denoises, Stabilises], state: VSTState, streams: Streams, /
    ) -> VSTState:
        """All of it; where pixels are missing, the next image."""
        done = state.done + 1
        whole = measured(problem) is None
        rows = slice(None) if whole else slice(state.done, done)
        even = evened(problem, rows)
        if whole:
            denoised = problem.prior.denoise(even.u, even.sigma)
        else:
            denoised = _completed(problem, even.u, float(even.sigma), streams)
        x = state.x.clone()
        x[rows] = even.image(denoised)
        return VSTState(x, float(even.sigma.mean()), done)

    def estimate(self, state: VSTState, /) -> Tensor:
        """The image."""
        return state.x


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
