"""Every solver, and the parts it takes, compute where the measurement is."""

from __future__ import annotations

import attrs
import pytest
import torch
from elsewhere import AWAY, Elsewhere, a_second_device

import invprob as ip
from invprob.compatibility import check
from invprob.errors import IncompatibleError

FEW = {"calls": 8, "iterations": 3}
"""So few steps are enough to meet every line."""

KERNEL = "uniform3"
NOISES = {
    "gaussian": lambda: ip.Gaussian(sigma=0.1),
    "observed": lambda: ip.Observed(ip.Poisson(30), ip.CircularBlur.named(KERNEL)),
    "exact": lambda: ip.Gaussian(sigma=0.001, operator=ip.Mask(torch.eye(8) == 0)),
    "blur": lambda: ip.Gaussian(sigma=0.1, operator=ip.CircularBlur.named(KERNEL)),
    "poisson": lambda: ip.Poisson(30),
    "mixture": lambda: ip.Mixture(ip.Poisson(30), sigma=0.02),
}
QUICK = "gaussian", "observed", "exact"


def short(solver):
    names = {field.alias for field in attrs.fields(type(solver))}
    return attrs.evolve(solver, **{name: n for name, n in FEW.items() if name in names})


def test_the_second_device_is_another_one():
    with a_second_device() as device:
        x = torch.rand(2, 3).to(device)
        assert isinstance(x, Elsewhere) and x.device == AWAY != x.cpu().device
        assert isinstance(x + torch.arange(3, device=x.device) + x.new_tensor(1.0), Elsewhere)
        assert float((x - x).sum()) == 0 and (x * torch.tensor(2.0)).device == AWAY
        for wrong in (
            lambda: x + torch.ones(3),
            lambda: torch.where(x > 0, x, torch.ones(2, 3)),
            lambda: torch.rand(3, generator=ip.generator(0), device=device),
        ):
            with pytest.raises(RuntimeError, match="expected a"):
                wrong()
        with pytest.raises(TypeError, match="no float64"):
            x.double()


def problem_with(noise):
    prior, likelihood = ip.GaussianPrior(torch.full((1, 8, 8), 0.5), sd=0.15), NOISES[noise]()
    x = 0.5 + 0.2 * torch.rand(1, 1, 8, 8, generator=ip.generator(0))
    return ip.Problem(prior, likelihood, likelihood.sample(x, ip.generator(1)))


def possible():
    """Every solver with every noise that it takes."""
    for noise in NOISES:
        problem = problem_with(noise)
        for name in sorted(ip.catalogue().solvers):
            try:
                check(problem, ip.catalogue().get("solver", name).example())
            except IncompatibleError:
                continue
            if name != "kadkhodaie-simoncelli" or noise == "exact":
                marks = () if noise in QUICK else (pytest.mark.slow,)
                yield pytest.param(name, noise, marks=marks)


def solved_there_and_here(problem, solver):
    """The same result on the second device, as it is said, and on the first."""
    samples = 2 if solver.stochastic else None
    here = ip.solve(problem, solver, samples=samples).samples
    with a_second_device() as device:
        moved = ip.Problem(problem.prior, problem.likelihood, problem.y.to(device))
        result = ip.solve(moved, solver, samples=samples)
        assert isinstance(result.samples, Elsewhere) and "misfit" in str(result)
        return result.samples.cpu(), here


@pytest.mark.parametrize(("name", "noise"), list(possible()))
def test_a_solver_computes_where_the_measurement_is(name, noise):
    solver = short(ip.catalogue().get("solver", name).example())
    there, here = solved_there_and_here(problem_with(noise), solver)
    assert torch.equal(there, here)


@pytest.mark.parametrize(("noise", "population"), [("blur", 2), ("observed", 1)])
def test_crowds_compute_where_the_measurement_is(noise, population):
    crowds = ip.Restart(calls=30, population=population, particles=4)
    there, here = solved_there_and_here(problem_with(noise), crowds)
    assert torch.equal(there, here)


class OnlyThere:
    """An operator whose code is a graphics card's."""

    def forward(self, x):
        if x.device != AWAY:
            raise RuntimeError("a tensor of the card is needed")
        return x.flip(-1)

    adjoint = forward

    def out_shape(self, shape):
        return shape


@pytest.mark.parametrize(
    "noise", [ip.Observed(ip.Poisson(30), OnlyThere()), ip.Gaussian(0.1, OnlyThere())]
)
@pytest.mark.parametrize("solver", [ip.RED(3), ip.ProximalGradient(3)])
def test_an_operator_of_one_device_is_never_asked_on_another(noise, solver):
    prior = ip.DenoiserPrior(lambda x, sigma: x / 2 + 0.25, ip.Domain(unit_range=True))
    y = ip.Poisson(30).sample(torch.full((1, 1, 8, 8), 0.5), ip.generator(1))
    with a_second_device() as device:
        problem = ip.Problem(prior, noise, y.to(device))
        assert "misfit" in str(ip.solve(problem, solver))


def test_the_embedded_network_goes_where_the_measurement_is():
    from invprob.networks import stored_denoiser

    y = torch.rand(1, 3, 16, 16, generator=ip.generator(0))
    prior = ip.DenoiserPrior.pretrained(precision="float32")
    try:
        there, here = solved_there_and_here(
            ip.Problem(prior, ip.Gaussian(sigma=0.1), y), ip.PnP(iterations=2)
        )
    finally:
        stored_denoiser._network.cache_clear()  # no later test finds the weights elsewhere
    assert torch.equal(there, here)


def test_a_constant_that_stays_behind_is_found():
    prior = ip.DenoiserPrior(lambda x, sigma: x * torch.full(x.shape, 0.9))
    problem = ip.Problem(prior, ip.Gaussian(sigma=0.1), torch.rand(1, 1, 8, 8))
    with pytest.raises(RuntimeError, match="expected all tensors to be on the same device"):
        solved_there_and_here(problem, ip.PnP(iterations=2))
