"""The contracts: what a prior, a likelihood, an operator and a solver can be asked.

**A capability is a method. To have it, define it.** There is nothing to inherit: a class is a
`Denoises` because it has `denoise`. A solver names the capabilities that it needs, and
`invprob.compatibility` compares.

Conventions that hold everywhere:

* Argument order never varies: measurement `y`, image `x`, then parameters; all positional-only.
* Shapes: `x (B, *image)`, usually `(B, C, H, W)`; `y (B, *measurement)`; `sigma ()` or `(B,)`;
  `log_prob (B,)`, in nats, *with* its constants. A `Shape` never counts the batch.
* Images live in [0, 1], and every noise level is in that unit.
* Parts are frozen values; nothing changes its inputs.
* Randomness enters only through an argument: a `torch.Generator` where one thing is drawn,
  `Streams` (one generator per row of the batch) in solvers.

An instance may *withdraw* a capability that its class defines, with the reason: see `Withdraws`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import UnionType
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, TypeVar, runtime_checkable

from attrs import frozen
from torch import Generator, Tensor

if TYPE_CHECKING:
    from .problem import Problem
    from .streams import Streams

Shape = tuple[int, ...]
Map = Callable[[Tensor], Tensor]

# --------------------------------------------------------------------------- linear operators


@runtime_checkable
class LinearOperator(Protocol):
    """A linear map H from images to measurements, and its adjoint."""

    def forward(self, x: Tensor, /) -> Tensor:
        """H x, from `(B, *image)` to `(B, *measurement)`."""

    def adjoint(self, y: Tensor, /) -> Tensor:
        """Hᵀ y, from `(B, *measurement)` to `(B, *image)`."""

    def out_shape(self, shape: Shape, /) -> Shape:
        """The measurement's shape for an image of this shape; `InputError` if it can't be."""


@frozen(eq=False)
class SVD:
    """H = U S Vᵀ for images of one shape, as functions: nothing dense.

    The spectral domain has one coordinate for each pixel, in any array shape; `s` has that shape.
    `v` and `vt` are orthogonal maps between it and the image. `ut` takes a measurement to the
    spectral domain (zero where `s` is zero); `u` is its adjoint, so Uᵀ U = I where `s > 0`.

    Attributes:
        s: singular values, `(*spectral)`, all >= 0, not sorted; zero where H is blind.
        v: V, `(B, *spectral)` to `(B, *image)`.
        vt: Vᵀ, `(B, *image)` to `(B, *spectral)`.
        u: U, `(B, *spectral)` to `(B, *measurement)`.
        ut: Uᵀ, `(B, *measurement)` to `(B, *spectral)`.
    """

    s: Tensor
    v: Map
    vt: Map
    u: Map
    ut: Map


@runtime_checkable
class HasSVD(Protocol):
    """A linear map whose singular value decomposition is at hand."""

    def svd(self, shape: Shape, /) -> SVD:
        """The decomposition for images of this shape."""


@runtime_checkable
class Invertible(Protocol):
    """A linear map that can be undone."""

    def inverse(self, y: Tensor, /) -> Tensor:
        """A⁻¹ y."""

    def inverse_adjoint(self, x: Tensor, /) -> Tensor:
        """A⁻ᵀ x."""

    def log_abs_det(self, shape: Shape, /) -> Tensor:
        """Log |det A| for images of this shape, a tensor of shape `()`."""


# --------------------------------------------------------------------------- priors


@runtime_checkable
class Denoises(Protocol):
    """A prior that answers with the posterior mean under white Gaussian noise."""

    def denoise(self, x: Tensor, sigma: Tensor, /) -> Tensor:
        """E[x₀ | x₀ + sigma n = x], the MMSE denoiser; `sigma` is `()` or `(B,)`."""


@runtime_checkable
class Scores(Protocol):
    """A prior that knows the gradient of its smoothed log-density."""

    def score(self, x: Tensor, sigma: Tensor, /) -> Tensor:
        """∇ log p_sigma(x), with p_sigma = p * N(0, sigma² I); `sigma` may be 0."""


@runtime_checkable
class HasLogProb(Protocol):
    """A prior with a normalised density."""

    def log_prob(self, x: Tensor, /) -> Tensor:
        """Log p(x) in nats, `(B,)`."""


@runtime_checkable
class HasLatent(Protocol):
    """A prior with an invertible map to a simple latent space (a flow)."""

    def encode(self, x: Tensor, /) -> tuple[Tensor, Tensor]:
        """Z and log |det ∂z/∂x| `(B,)`."""

    def decode(self, z: Tensor, /) -> Tensor:
        """The image of a latent."""


@runtime_checkable
class SamplesPrior(Protocol):
    """A prior that can draw images."""

    def sample(self, shape: Shape, generator: Generator, /) -> Tensor:
        """Images of shape `(B, *image)` = `shape`."""


@runtime_checkable
class ScoresMeasurement(Protocol):
    """The score of *noisy data*: another name than `score`, so that the two can't be confused."""

    def measurement_score(self, y: Tensor, /) -> Tensor:
        """∇ log p(y), the density of noisy measurements."""


Prior = Denoises | Scores | HasLogProb | HasLatent | SamplesPrior | ScoresMeasurement
"""What any prior is: at least one of the capabilities above."""

# --------------------------------------------------------------------------- likelihoods


@runtime_checkable
class Likelihood(Protocol):
    """How a measurement arises from an image. What any likelihood can do is simulate it."""

    def sample(self, x: Tensor, generator: Generator, /) -> Tensor:
        """Y ~ p(y | x), `(B, *measurement)`."""


@runtime_checkable
class HasLikelihood(Protocol):
    """A likelihood with a normalised density (or probability, on a lattice)."""

    def log_prob(self, y: Tensor, x: Tensor, /) -> Tensor:
        """Log p(y | x) in nats, `(B,)`; -inf outside the support."""


@runtime_checkable
class Differentiable(Protocol):
    """A likelihood with a gradient in the image."""

    def grad_x(self, y: Tensor, x: Tensor, /) -> Tensor:
        """∇ₓ log p(y | x), `(B, *image)`."""


@runtime_checkable
class ScoresData(Protocol):
    """A likelihood with a gradient in the measurement."""

    def score_y(self, y: Tensor, x: Tensor, /) -> Tensor:
        """∇_y log p(y | x), `(B, *measurement)`."""


@runtime_checkable
class MatchesScore(Protocol):
    """A likelihood whose score equation s(y) = f(x, y) can be solved for x (Xie et al. 2023)."""

    def match_score(self, y: Tensor, s: Tensor, x: Tensor, /) -> Tensor:
        """X' with f(x', y) = s: one fixed-point sweep from x; closed forms ignore x.

        The function f is `score_y`, unless the likelihood is a `StatesEquation`.
        """


@runtime_checkable
class StatesEquation(Protocol):
    """A likelihood whose `match_score` solves an equation that is not that of its exact score."""

    def equation(self, y: Tensor, x: Tensor, /) -> Tensor:
        """The right side f(x, y) of the equation that `match_score` solves."""


@runtime_checkable
class Proximal(Protocol):
    """A likelihood whose proximal map is at hand."""

    def prox(self, y: Tensor, v: Tensor, step: Tensor, /) -> Tensor:
        """argminₓ -step log p(y | x) + ½ ‖x - v‖²; `step` > 0, `()` or `(B,)`."""


@runtime_checkable
class SamplesGivenGaussian(Protocol):
    """A likelihood that can be sampled against a Gaussian: the data half of split Gibbs."""

    def sample_given(self, y: Tensor, v: Tensor, rho: Tensor, generator: Generator, /) -> Tensor:
        """X ~ p(y | x) N(x; v, rho² I), normalised in x; `rho` > 0, `()` or `(B,)`."""


@runtime_checkable
class Annealed(Protocol):
    """A likelihood that knows the posterior score of a noisy image."""

    def annealed_score(
        self, y: Tensor, x: Tensor, prior_score: Tensor, sigma: Tensor, /
    ) -> Tensor:
        """The score of p(x_sigma | y) at x; it takes the prior's, which it may partly replace."""


@frozen(eq=False)
class Spectrum:
    """A linear-Gaussian measurement in the right singular basis: `w = Vᵀx + sd n`.

    This is all that a spectral solver may know of H, U and the noise (pseudo-observations,
    Kawar et al. 2021, SNIPS). Attributes:
        sd: noise of each coordinate, sigma / s, `(*spectral)`; +inf where nothing was measured.
        v: V, `(B, *spectral)` to `(B, *image)`.
        vt: Vᵀ, `(B, *image)` to `(B, *spectral)`.
        observe: y to w = (Uᵀ y) / s, `(B, *measurement)` to `(B, *spectral)`; 0 where sd is inf.
    """

    sd: Tensor
    v: Map
    vt: Map
    observe: Map


@runtime_checkable
class Spectral(Protocol):
    """A linear-Gaussian likelihood whose singular value decomposition is at hand."""

    def spectrum(self, shape: Shape, /) -> Spectrum:
        """The pseudo-observations for images of this shape."""


@frozen(eq=False)
class Surrogate:
    """A Gaussian that stands in for p(y | x) near one image: `w = Vᵀx + sd n`.

    Attributes:
        w: what it takes for measured, `(B, *spectral)`.
        sd: noise of each coordinate, `(B, *spectral)`; +inf where y says nothing.
        v: V, `(B, *spectral)` to `(B, *image)`.
        vt: Vᵀ, `(B, *image)` to `(B, *spectral)`.
    """

    w: Tensor
    sd: Tensor
    v: Map
    vt: Map


@runtime_checkable
class LocallyGaussian(Protocol):
    """A likelihood that looks like a Gaussian near any image: what a sampler makes of it."""

    def surrogate(self, y: Tensor, x: Tensor, sigma: Tensor, /) -> Surrogate:
        """The Gaussian with the gradient and curvature of p(y | x) within about `sigma` of x.

        `sigma` > 0 is `()` or `(B,)`. As it falls, the gradient V (w - Vᵀx) / sd² of the Gaussian
        at x becomes that of log p(y | x).
        """


@runtime_checkable
class Flat(Protocol):
    """A likelihood under which every image is equally good: nothing was measured."""

    def flat(self) -> bool:
        """True: p(y | x) does not depend on x."""


# --------------------------------------------------------------------------- optional, for all


@runtime_checkable
class Withdraws(Protocol):
    """A part that lacks what its class defines, or that says why it lacks something."""

    def withdrawn(self) -> Mapping[type, str]:
        """The capabilities that this instance does not have, each with the reason."""


@runtime_checkable
class ChecksMeasurement(Protocol):
    """A likelihood that can tell an impossible measurement before any work is done."""

    def check_measurement(self, y: Tensor, /) -> None:
        """Raise `InputError` for a `y` that no image could have caused."""


@runtime_checkable
class InfersImageShape(Protocol):
    """A likelihood whose images and measurements differ in shape."""

    def image_shape(self, shape: Shape, /) -> Shape:
        """The image's shape for a measurement of this shape; `InputError` if it can't be."""


@frozen
class Domain:
    """The images that a prior was made for. `None` stands for "any".

    Attributes:
        channels: the channel counts it takes, for example `(1, 3)`.
        shape: the one image shape it takes.
        unit_range: whether it takes images in [0, 1] only (up to noise).
        sigma: the least and the greatest noise level that it can denoise.
    """

    channels: tuple[int, ...] | None = None
    shape: Shape | None = None
    unit_range: bool = False
    sigma: tuple[float, float] = (0.0, float("inf"))


@runtime_checkable
class HasDomain(Protocol):
    """A prior that was made for certain images and noise levels."""

    def domain(self) -> Domain:
        """Which ones."""


@runtime_checkable
class HasMoments(Protocol):
    """A prior that knows its mean and its size; samplers start there."""

    def moments(self) -> tuple[Tensor, float]:
        """The mean image `(*image)`, and the root of E ‖x - mean‖²."""


# --------------------------------------------------------------------------- solvers


Capability = type | UnionType


@frozen
class Needs:
    """The capabilities that a solver asks of a prior and of a likelihood.

    Each is a protocol, or several joined by `|` of which one is enough.
    """

    prior: tuple[Capability, ...] = ()
    likelihood: tuple[Capability, ...] = ()


P = TypeVar("P")
L = TypeVar("L")
S = TypeVar("S")
P_contra = TypeVar("P_contra", contravariant=True)
L_contra = TypeVar("L_contra", contravariant=True)


class Solver(Protocol[P_contra, L_contra, S]):
    """A method that joins a prior and a likelihood: `init` → `step` → `estimate`.

    A state is a flat `attrs.frozen` class of tensors and numbers, so that a checkpoint is a plain
    file; its shapes never change from one step to the next. A field called `sigma` is shown as the
    run's noise level. `init` calls no denoiser: what is impossible is refused there, for free.
    Generic in the prior's and the likelihood's capabilities, so that a type checker refuses an
    impossible line in the editor; `needs` says the same at run time.
    """

    needs: ClassVar[Needs]
    stochastic: ClassVar[bool]
    """Whether the result depends on the seed, so that asking for several samples makes sense."""

    def steps(self, problem: Problem[P_contra, L_contra], /) -> int:
        """How many steps a full run takes on this problem."""

    def init(
        self, problem: Problem[P_contra, L_contra], streams: Streams, x0: Tensor | None, /
    ) -> S:
        """The state before the first step, from `x0` `(B, *image)` where one is given."""

    def step(self, problem: Problem[P_contra, L_contra], state: S, streams: Streams, /) -> S:
        """The next state; `state` itself is left alone."""

    def estimate(self, state: S, /) -> Tensor:
        """The image `(B, *image)` that this state stands for."""


AnySolver = Solver[Any, Any, Any]
