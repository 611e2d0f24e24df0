"""Which solver to use, and why: from what the prior and the likelihood can do.

There is an order of preference for one estimate and another one for samples; the first solver that
finds in the problem all that it needs is taken. Behind an operator that mixes pixels noise of the
brightness has samples by `SplitGibbs`, if the prior is a network: docs/photographs.md has figures.
Solvers of plugins come after ours. Nothing is measured and nothing is run: a recommendation knows
what the parts can do, not their values.
"""

from __future__ import annotations

from typing import Any

from attrs import frozen

from .catalogue import Component, catalogue, examples_of
from .compatibility import alternatives, check, check_problem, lacks, missing
from .contracts import (
    AnySolver,
    Denoises,
    Differentiable,
    Flat,
    HasMoments,
    LocallyGaussian,
    LocallyLinear,
    Proximal,
    SamplesPosterior,
    ScoresMeasurement,
    Spectral,
)
from .errors import IncompatibleError
from .likelihoods.gaussian import Diagonal
from .operators.structure import operator_of
from .problem import Problem

THE_PRIOR = "nothing was measured, so the likely images are those of the prior"
BY_ITSELF = "the prior draws images behind the measurement, and nothing else is known of it"
OTHERWISE = "of the solvers that are installed it is the first that accepts these parts"

FOR_AN_ESTIMATE = {
    "prior-sampling": THE_PRIOR,
    "score-equation": "the prior is the score of noisy images, and does not know clean ones",
    "vst": "a transform makes the noise Gaussian and even, so that the prior denoises it at once",
    "pnp": "the prior denoises and the likelihood has a proximal map: few calls are enough",
    "proximal-gradient": "the prior denoises, and the likelihood has a gradient but no prox",
    "map": "the prior has a density and no denoiser, so its mode is what can be found",
    "restart": "only a sampler accepts these parts",
    "pscgan": BY_ITSELF,
}
FOR_SAMPLES = {
    "prior-sampling": THE_PRIOR,
    "restart": "it comes closest to the posterior in few denoiser calls, with no step size to set",
    "split-gibbs": "it asks the operator for no singular values, and the noise for draws alone",
    "pscgan": BY_ITSELF,
}
UNEVEN = (
    "behind an operator that mixes pixels such noise is even in no coordinates, and samples by "
    "Restart, which takes it for even, are too much alike"
)
USUAL = "restart"
"""The sampler whose refusals are told where none accepts the parts."""
USUAL_ESTIMATE = "pnp"
"""The same among solvers that refuse for one reason as good as another."""


@frozen
class Recommendation:
    """A solver for a problem.

    Attributes:
        solver: ready to be used, with its default arguments.
        reason: why this one; follows on "because".
    """

    solver: AnySolver
    reason: str

    def __str__(self) -> str:
        """One sentence."""
        return f"{type(self.solver).__name__}, because {self.reason}."


def recommend(problem: Problem[Any, Any], /, *, samples: bool = False) -> Recommendation:
    """The solver that `solve(problem)` uses.

    Args:
        problem: what to solve.
        samples: whether posterior samples are wanted, rather than one estimate.

    Raises:
        IncompatibleError: no installed solver accepts the prior and the likelihood together, or
            none that samples.
        InputError: problem is no `Problem`.

    >>> import torch, invprob as ip
    >>> prior = ip.GaussianPrior(mean=torch.full((1, 4, 4), 0.5), sd=0.2)
    >>> problem = ip.Problem(prior, ip.Gaussian(sigma=0.1), torch.rand(1, 1, 4, 4))
    >>> print(ip.recommend(problem))
    PnP, because the prior denoises and the likelihood has a proximal map: few calls are enough.
    >>> type(ip.recommend(problem, samples=True).solver).__name__
    'Restart'
    """
    check_problem(problem)
    if samples:
        check_sampling(problem)
    reasons = FOR_SAMPLES if samples else FOR_AN_ESTIMATE
    if samples and _is_uneven(problem):
        reasons = {"split-gibbs": ""} | FOR_SAMPLES | {"split-gibbs": UNEVEN}  # it comes first
    found, _ = examples_of(_in_order(list(reasons)))
    candidates = [
        (part.name, solver) for part, solver in found if solver.stochastic or not samples
    ]

    of_noisy = isinstance(problem.prior, ScoresMeasurement)
    of_noisy = of_noisy and bool(lacks(problem.prior, Denoises))

    def complaints(candidate: tuple[str, AnySolver]) -> tuple[int, ...]:
        """Whether there are any; and among refusals the most helpful one first."""
        name, solver = candidate
        count = len(missing(solver, prior=problem.prior, likelihood=problem.likelihood))
        if count == 0:
            return (0,)
        return (
            1,
            SamplesPosterior in solver.needs.prior,  # it asks nothing of any likelihood
            of_noisy and ScoresMeasurement not in solver.needs.prior,  # it has use for no other
            count,
            Flat in solver.needs.likelihood,
            len(missing(solver, likelihood=problem.likelihood)) > 0,  # a prior is sooner changed
            name != USUAL_ESTIMATE,
        )

    name, solver = min(candidates, key=complaints)  # the first of equals, so the preferred one
    try:
        check(problem, solver, samples=samples)
    except IncompatibleError as refusal:
        said = _in_place_of_a_prox(problem) if Proximal in solver.needs.likelihood else ""
        raise IncompatibleError(f"{refusal}{said}", typed=refusal.typed) from None
    return Recommendation(solver, reasons.get(name, OTHERWISE))


def _is_uneven(problem: Problem[Any, Any]) -> bool:
    """Whether noise of the brightness sees mixed pixels, and the prior is a network."""
    likelihood = problem.likelihood
    near_an_image = LocallyLinear, LocallyGaussian
    if not lacks(likelihood, Spectral) or any(lacks(likelihood, one) for one in near_an_image):
        return False
    alone = isinstance(operator_of(likelihood), Diagonal)
    return not alone and not isinstance(problem.prior, HasMoments)


def _in_place_of_a_prox(problem: Problem[Any, Any]) -> str:
    """That a gradient would do as well, which this likelihood lacks; a line, or nothing."""
    solver = catalogue().get("solver", "proximal-gradient").example()
    lacking = missing(solver, prior=problem.prior, likelihood=problem.likelihood)
    if len(lacking) != 1 or not lacks(problem.likelihood, Differentiable):
        return ""
    return (
        f"\n{type(solver).__name__} would do with a gradient in place of a prox, but {lacking[0]}."
    )


def check_sampling(problem: Problem[Any, Any], /) -> None:
    """Refuse samples where no installed solver can draw any, and say which part is to blame.

    Raises:
        IncompatibleError: no sampler accepts the prior and the likelihood together.
    """
    if alternatives(problem, stochastic=True):
        return
    found, _ = examples_of(_in_order([USUAL]))
    samplers = [  # a prior that samples itself takes the blame from no likelihood
        solver
        for _, solver in found
        if solver.stochastic and SamplesPosterior not in solver.needs.prior
    ]
    lines = ["No installed sampler accepts these parts, so there can be no samples:"]
    for role, part in (("prior", problem.prior), ("likelihood", problem.likelihood)):
        refusals = [missing(solver, **{role: part}) for solver in samplers]
        if all(refusals):
            lines += [f"  - {refusals[0][0]}."]
    if len(lines) == 1:
        who = f"prior {problem.prior!r} and likelihood {problem.likelihood!r}"
        lines += [f"  - {who} have samplers each, but none in common."]
    if others := alternatives(problem):
        lines += [f"One estimate, without samples, is possible: {', '.join(others)}."]
    typed = alternatives(problem, typed=True)
    advice = f"leave --samples out, with -s {typed[0]} or without -s" if typed else ""
    raise IncompatibleError("\n".join(lines), typed=advice)


def _in_order(preferred: list[str]) -> list[Component]:
    """The catalogue's solvers, those with a preference first."""
    rank = {name: i for i, name in enumerate(preferred)}
    parts = catalogue().of_kind("solver")
    return sorted(parts, key=lambda part: rank.get(part.name, len(rank)))
