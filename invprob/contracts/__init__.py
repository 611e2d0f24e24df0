"""The contracts: what a prior, a likelihood, an operator and a solver can be asked.

**A capability is a method. To have it, define it.** There is nothing to inherit: a class is a
`Denoises` because it has `denoise`. A solver names the capabilities that it needs, and
`invprob.compatibility` compares.

Conventions that hold everywhere:

* Argument order never varies: measurement `y`, image `x`, then parameters; all positional-only.
* Shapes: `x (B, *image)`, usually `(B, C, H, W)`; `y (B, *measurement)`; `sigma ()` or `(B,)`;
  `log_prob (B,)`, in nats, *with* its constants. A `Shape` never counts the batch.
* Images live in [0, 1], and every noise level is in that unit; the noise of a likelihood is in
  that of y, which an operator may change.
* Parts are frozen values; nothing changes its inputs.
* Randomness enters only through an argument: a `torch.Generator` where one thing is drawn,
  `Streams` (one generator per row of the batch) in solvers.

All of them, with what each defines; one file for each kind of part:

    priors       Denoises              denoise(x, sigma)
                 Scores                score(x, sigma)
                 HasLogProb            log_prob(x)
                 HasLatent             encode(x), decode(z)
                 SamplesPrior          sample(shape, generator)
                 ScoresMeasurement     measurement_score(y)
                 SamplesPosterior      posterior_sample(y, temperature, generator)
                 ToneFree              tone_free()
                 HasDomain             domain() -> Domain
                 HasMoments            moments()
                 MadeForLikelihood     refusal(likelihood)
    likelihoods  Likelihood            sample(x, generator)
                 HasLikelihood         log_prob(y, x)
                 Differentiable        grad_x(y, x)
                 ScoresData            score_y(y, x)
                 MatchesScore          match_score(y, s, x)
                 StatesEquation        equation(y, x)
                 Proximal              prox(y, v, step)
                 SamplesGivenGaussian  sample_given(y, v, rho, generator)
                 Stabilises            stabilise(y) -> Stabilised
                 Annealed              annealed_score(y, x, prior_score, sigma)
                 Flat                  flat()
                 ChecksMeasurement     check_measurement(y)
                 InfersImageShape      image_shape(shape)
    spectral     Spectral              spectrum(shape) -> Spectrum
                 LocallyGaussian       surrogate(y, x, sigma) -> Surrogate
    linear       LocallyLinear         linearised(y, x, sigma) -> Linearised
    operators    LinearOperator        forward(x), adjoint(y), out_shape(shape)
                 HasSVD                svd(shape) -> SVD
                 Invertible            inverse(y), inverse_adjoint(x), log_abs_det(shape)
    solvers      Solver                needs, stochastic, steps, init, step, estimate
                 AnySolver             those of a Solver, of whatever it joins
                 EndsEarly             finished(state)
                 Remarks               remark(state)
                 TakesExact            exact_below()
    parts        Withdraws             withdrawn()

`Prior` is any of the first seven. `Needs` holds each `Capability` that a solver asks for. `Shape`
and `Map` are words for types. An instance may *withdraw* a capability that its class defines, with
the reason: see `Withdraws`.
"""

from .likelihoods import Annealed as Annealed
from .likelihoods import ChecksMeasurement as ChecksMeasurement
from .likelihoods import Differentiable as Differentiable
from .likelihoods import Flat as Flat
from .likelihoods import HasLikelihood as HasLikelihood
from .likelihoods import InfersImageShape as InfersImageShape
from .likelihoods import Likelihood as Likelihood
from .likelihoods import MatchesScore as MatchesScore
from .likelihoods import Proximal as Proximal
from .likelihoods import SamplesGivenGaussian as SamplesGivenGaussian
from .likelihoods import ScoresData as ScoresData
from .likelihoods import Stabilised as Stabilised
from .likelihoods import Stabilises as Stabilises
from .likelihoods import StatesEquation as StatesEquation
from .linear import Linearised as Linearised
from .linear import LocallyLinear as LocallyLinear
from .operators import SVD as SVD
from .operators import HasSVD as HasSVD
from .operators import Invertible as Invertible
from .operators import LinearOperator as LinearOperator
from .parts import Map as Map
from .parts import Shape as Shape
from .parts import Withdraws as Withdraws
from .priors import Denoises as Denoises
from .priors import Domain as Domain
from .priors import HasDomain as HasDomain
from .priors import HasLatent as HasLatent
from .priors import HasLogProb as HasLogProb
from .priors import HasMoments as HasMoments
from .priors import MadeForLikelihood as MadeForLikelihood
from .priors import Prior as Prior
from .priors import SamplesPosterior as SamplesPosterior
from .priors import SamplesPrior as SamplesPrior
from .priors import Scores as Scores
from .priors import ScoresMeasurement as ScoresMeasurement
from .priors import ToneFree as ToneFree
from .solvers import AnySolver as AnySolver
from .solvers import Capability as Capability
from .solvers import EndsEarly as EndsEarly
from .solvers import Needs as Needs
from .solvers import Remarks as Remarks
from .solvers import Solver as Solver
from .solvers import TakesExact as TakesExact
from .spectral import LocallyGaussian as LocallyGaussian
from .spectral import Spectral as Spectral
from .spectral import Spectrum as Spectrum
from .spectral import Surrogate as Surrogate
