"""Posterior samples under noise that depends on the brightness, in few calls, by a transform.

After a variance-stabilising transform the measurement is a picture with white Gaussian noise of a
known level (`evened`), and the posterior of such a picture is what `Restart` samples best: where
all pixels were measured the prior's reverse SDE leads from the noise level to zero in 20 denoiser
calls, with no likelihood to approximate; where some are missing it takes all its calls. Each
sample u goes back by the exact unbiased inverse, x = T⁻¹(low + (high - low) u).

`Restart` itself keeps the likelihood as it is and the prior for images, and is verified against
quadrature. This sampler changes both: noise after a transform is Gaussian but nearly (the
logarithm of speckle of few looks is skewed), and the prior is one for the image through a curve,
which a network that learned photographs is as well (`ToneFree`). What it gains is that one noise
level is right for all pixels. The figures are in docs/photographs.md: samples of gray photographs
are better than those of `Restart`, for a fifth of the calls, and their spread is up to a fifth too
small; scenes of a large range of brightness, as of radar, gain most, and saturated colours lose
under speckle.

The measurements of a batch have noise levels of their own, and `Restart` has levels in common. So
pictures are scaled around grey to the least noise among them, and the denoiser sees them, and its
noise level, scaled back.

References: those of `VST` and of `Restart`.
"""

from __future__ import annotations

from typing import Any, ClassVar

from attrs import evolve, fields, frozen
from torch import Tensor

from ..contracts import Denoises, Needs, Stabilises, ToneFree
from ..likelihoods.gaussian import Gaussian
from ..priors.denoiser import DenoiserPrior
from ..problem import Problem, domain_of
from ..streams import Streams
from .diffusion import GREY
from .evened import Evened, evened, measured
from .restarts.restart import Restart
from .restarts.state import RestartState


@frozen(eq=False)
class VSTSamplingState(RestartState):
    """A run of `VSTSampling` between two steps: that of `Restart` on the transformed measurement.

    Attributes:
        image: what the last call said of the images, `(B, *image)`; at the end, the samples.
    """

    image: Tensor


@frozen
class VSTSampling:
    """Posterior samples: a variance-stabilising transform, `Restart`, the unbiased inverse.

    For noise that treats pixels by themselves, as `VST`, and behind a `Mask`.

    Args:
        calls: images through the denoiser per sample, at least 8; no more than 20 are taken where
            all pixels were measured.

    Raises:
        InputError: fewer calls.

    >>> import invprob as ip
    >>> photo, noise = ip.sample_photo()[..., 96:128, 96:128], ip.Gamma(alpha=4)
    >>> y = noise.sample(photo, ip.generator(0))
    >>> problem = ip.Problem(ip.DenoiserPrior.pretrained(), noise, y)
    >>> result = ip.solve(problem, ip.VSTSampling(calls=10), samples=4)
    >>> bool(ip.psnr(result.mean, photo) > ip.psnr(y, photo) + 8)
    True

    Method, what is exact, references: help("invprob.solvers.vst_sampling").
    """

    calls: int = 100

    needs: ClassVar[Needs] = Needs(prior=(Denoises, ToneFree), likelihood=(Stabilises,))
    stochastic: ClassVar[bool] = True

    def __attrs_post_init__(self) -> None:
        self._sampler()

    def steps(self, problem: Problem[Denoises, Stabilises], /) -> int:
        """The number of noise levels."""
        return self._sampler().steps(_picture(problem).problem)

    def init(
        self, problem: Problem[Denoises, Stabilises], streams: Streams, x0: Tensor | None, /
    ) -> VSTSamplingState:
        """The transformed measurement, as `Restart` begins with it; an x0 makes no difference."""
        picture = _picture(problem)
        return _seen(picture, self._sampler().init(picture.problem, streams, None))

    def step(
        self, problem: Problem[Denoises, Stabilises], state: VSTSamplingState, streams: Streams, /
    ) -> VSTSamplingState:
        """The denoiser at one level, and the way to the next."""
        picture = _picture(problem)
        return _seen(picture, self._sampler().step(picture.problem, state, streams))

    def estimate(self, state: VSTSamplingState, /) -> Tensor:
        """What the last call said: the denoised image; at the end, the sample."""
        return state.image

    def _sampler(self) -> Restart:
        return Restart(self.calls)


@frozen(eq=False)
class _Picture:
    """The transformed problem, whose pictures are scaled by `scale`, `(B,)`, around grey."""

    problem: Problem[Denoises, Any]
    even: Evened
    scale: Tensor

    def images(self, run: RestartState, /) -> Tensor:
        return self.even.image(_scaled(run.denoised[:, 0], 1 / self.scale))


def _picture(problem: Problem[Denoises, Stabilises]) -> _Picture:
    likelihood: Any = problem.likelihood
    even, seen, prior = evened(problem), measured(problem), problem.prior
    least = even.sigma.amin()
    scale, u, noise = least / even.sigma, even.u, Gaussian(float(least))
    if seen is not None:
        noise = evolve(noise, operator=likelihood.operator)
    if bool((scale < 1).any()):
        u, prior = _scaled(u, scale), _of_scaled(prior, scale)
        u = u if seen is None else u * seen
    shape, samples = problem.image_shape, problem.samples
    return _Picture(Problem(prior, noise, u, shape, samples=samples), even, scale)


def _scaled(u: Tensor, scale: Tensor) -> Tensor:
    """Nearer to grey; there may be several images for each scale."""
    factors = scale.repeat_interleave(len(u) // len(scale)).view(-1, *[1] * (u.ndim - 1))
    return GREY + (u - GREY) * factors


def _of_scaled(prior: Denoises, scale: Tensor) -> DenoiserPrior:
    """The prior of scaled pictures."""

    def denoise(x: Tensor, sigma: Tensor) -> Tensor:
        own = sigma / scale.repeat_interleave(len(x) // len(scale))
        return _scaled(prior.denoise(_scaled(x, 1 / scale), own), scale)

    domain = domain_of(prior)
    low, high = domain.sigma
    most = max(low, high * float(scale.amin()))  # rounding must not turn them around
    return DenoiserPrior(denoise, evolve(domain, sigma=(low, most)))


def _seen(picture: _Picture, run: RestartState) -> VSTSamplingState:
    """The run, with what it says of the images."""
    values = {field.name: getattr(run, field.name) for field in fields(RestartState)}
    return VSTSamplingState(**values, image=picture.images(run))
