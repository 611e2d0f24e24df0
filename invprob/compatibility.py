"""What goes with what: needs against capabilities, and refusal with a reason.

A solver declares `needs`; a part has a capability if it has the method and has not withdrawn it.
Everything missing is collected before a run starts and said at once, with what would work instead.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from types import UnionType
from typing import Any, get_args

from .catalogue import OF_SOLVERS, catalogue, examples_of
from .contracts import (
    Annealed,
    AnySolver,
    Capability,
    Denoises,
    Differentiable,
    Flat,
    HasLogProb,
    HasSVD,
    Invertible,
    LocallyGaussian,
    LocallyLinear,
    Proximal,
    SamplesGivenGaussian,
    SamplesPosterior,
    Scores,
    ScoresMeasurement,
    Spectral,
    Stabilises,
    ToneFree,
    Withdraws,
)
from .errors import IncompatibleError, InputError
from .problem import Problem

NATURE: dict[type, str] = {
    Denoises: "a posterior mean does not follow from a density or from the score of noisy data",
    HasLogProb: "a normalised density does not follow from a denoiser or a score",
    ScoresMeasurement: "it knows clean images, and not the noise that y has; `invprob train score "
    "FOLDER -l LIKELIHOOD -o score.safetensors` learns a prior that does from noisy images, to be "
    'used as MeasuredPrior.load("score.safetensors"), or --prior measured:file=score.safetensors',
    SamplesPosterior: "it draws no images behind y by itself, as one of `invprob train sampler` "
    "does: GeneratorPrior.load(FILE), or --prior generator:file=FILE",
    Differentiable: "ip.autograd(noise) has it of a log_prob that torch can differentiate",
    Proximal: "ip.iterative_prox(noise) has one by iteration, of a noise with log_prob and grad_x",
    Annealed: "only Gaussian noise on a linear measurement leaves this score in closed form",
    Spectral: "only Gaussian noise on a linear measurement falls apart into singular coordinates",
    LocallyGaussian: "no Gaussian is known that stands in for it near an image",
    LocallyLinear: "it sees no linear measurement of the image",
    SamplesGivenGaussian: "where pixels mix, only Gaussian noise can be drawn at once",
    ToneFree: "it knows how bright its images are, and not what their logarithms look like",
    Stabilises: "no transform is known that makes its noise even, or it is even already",
    Flat: "its y tells something about x, as all but that of Unobserved() does",
    Invertible: "there is none where something of the image is lost",
    HasSVD: "its singular vectors are not known",
}
"""Why most parts lack a capability: the mathematics of it, rather than a method not written."""

BY_TWEEDIE = (
    "its score says it: ip.DenoiserPrior(lambda x, sigma: x + sigma.view(-1, 1, 1, 1) ** 2 *"
    " prior.score(x, sigma))"
)
"""A posterior mean follows from the score of images with noise of every level (`Scores`)."""


def any_of(capability: Capability, /) -> tuple[type, ...]:
    """The protocols of which one is enough."""
    return get_args(capability) or (capability,)


def lacks(part: object, capability: Capability, /) -> str | None:
    """Why a part does not have a capability, or any of several, or `None` if it has.

    >>> import invprob as ip
    >>> lacks(ip.Gaussian(sigma=0.1), ip.contracts.Proximal) is None
    True
    """
    if isinstance(capability, UnionType):
        reasons = [lacks(part, one) for one in any_of(capability)]
        return None if None in reasons else "; ".join(filter(None, dict.fromkeys(reasons)))
    if isinstance(part, Withdraws) and (reason := (part.withdrawn() or {}).get(capability)):
        return reason
    if not isinstance(part, capability):
        nature = NATURE.get(capability)
        if capability is Denoises and isinstance(part, Scores):
            nature = BY_TWEEDIE
        lacking = f"it has no method {' and '.join(_methods(capability))}"
        return f"{lacking}: {nature}" if nature else lacking
    return None


def missing(solver: AnySolver, *, prior: object = None, likelihood: object = None) -> list[str]:
    """One sentence for each reason why a given part is not what a solver needs."""
    complaints = []
    for role, part, capabilities in (
        ("prior", prior, solver.needs.prior),
        ("likelihood", likelihood, solver.needs.likelihood),
    ):
        names: dict[str, list[str]] = {}
        for capability in capabilities if part is not None else ():
            if reason := lacks(part, capability):
                names.setdefault(reason, []).append(_is_not(capability))
        complaints += [
            f"{role} {part!r} is {' and '.join(lacking)}: {reason}"
            for reason, lacking in names.items()
        ]
    return complaints


def _is_not(capability: Capability) -> str:
    if isinstance(capability, UnionType):
        return f"neither {' nor '.join(one.__name__ for one in any_of(capability))}"
    return f"not {capability.__name__}"


def accepts(solver: AnySolver, *, prior: object = None, likelihood: object = None) -> bool:
    """Whether a solver finds in these parts all that it needs."""
    return not missing(solver, prior=prior, likelihood=likelihood)


def alternatives(
    problem: Problem[Any, Any], /, *, stochastic: bool = False, typed: bool = False
) -> list[str]:
    """The catalogue's solvers that accept a prior and likelihood, by class or as is typed."""
    found, _ = examples_of(catalogue().of_kind("solver"))
    names = (
        part.name if typed else type(solver).__name__
        for part, solver in found
        if accepts(solver, prior=problem.prior, likelihood=problem.likelihood)
        and (solver.stochastic or not stochastic)
        and _begins(solver, problem)
    )
    return list(dict.fromkeys(names))


def _begins(solver: AnySolver, problem: Problem[Any, Any]) -> bool:
    """Whether a solver that accepts both parts plans steps for what was measured, too."""
    try:
        solver.steps(problem)
    except Exception:  # ours say InputError; a plugin's may raise anything
        return False
    return True


def check_problem(problem: object, /) -> None:
    """Raise `InputError` for what is no `Problem`."""
    if not isinstance(problem, Problem):
        kind = type(problem).__name__
        raise InputError(
            f"a {kind} is no problem; say what is likely and how it was measured:"
            " solve(Problem(prior, likelihood, y), solver)"
        )


def check(problem: Problem[Any, Any], solver: AnySolver, /, *, samples: bool = False) -> None:
    """Refuse an impossible composition, with everything that is missing and what would work.

    If samples are wanted, that is samplers alone.

    Raises:
        IncompatibleError: the prior or the likelihood lacks what the solver needs.
    """
    check_problem(problem)
    if isinstance(solver, type):
        raise InputError(f"{solver.__name__} is a class; give an instance: {solver.__name__}()")
    if not all(hasattr(solver, name) for name in OF_SOLVERS):
        raise InputError(f"{solver!r} is no solver; the order is solve(problem, solver)")
    complaints = missing(solver, prior=problem.prior, likelihood=problem.likelihood)
    if complaints:
        name, kind = type(solver).__name__, "sampler" if samples else "solver"
        lines = [f"{name} cannot solve this problem:", *(f"  - {text}." for text in complaints)]
        others = alternatives(problem, stochastic=samples)
        some = f"{kind.title()}s that accept this prior and likelihood: {', '.join(others)}."
        none = f"No installed {kind} accepts this prior and this likelihood together."
        lines.append(some if others else none)
        names = alternatives(problem, stochastic=samples, typed=True)[:3]
        raise IncompatibleError("\n".join(lines), typed=" or ".join(f"-s {one}" for one in names))


def _methods(capability: type) -> list[str]:
    methods: list[tuple[str, Callable[..., Any]]] = [
        (name, value)
        for name, value in vars(capability).items()
        if inspect.isfunction(value) and not name.startswith("_")
    ]
    return [
        f"`{name}({', '.join(p for p in inspect.signature(value).parameters if p != 'self')})`"
        for name, value in methods
    ]
