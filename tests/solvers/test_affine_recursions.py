"""Every step of a sampler is the step of its lecture, for Gaussian priors: to rounding.

With a Gaussian prior the denoiser is affine, and so is every step in the images and in the normal
draws. So after n steps the images are Gaussian, with a mean and a covariance that follow from the
formulas alone: a test of every constant, which comparing with the posterior after many steps is
not, because a sampler forgets. Two independent ways:

* the solver is run on normal draws of which one number is 1 and all others are 0, one row of the
  batch for each: its mean and its covariance come out exactly, without sampling;
* the formulas of the lectures are evaluated on affine functions of the draws, written as matrices
  `(coordinates, 1 + draws)`: the first column is the mean, the others are the coefficients.

The prior is not white, and the operator has a singular value decomposition of its own, with values
that are zero, equal, and on both sides of the levels.
"""

from functools import partial
from unittest import mock

import attrs
import pytest
import torch
from affine_lectures import (
    COVARIANCE,
    F64,
    MEAN,
    SHAPE,
    SIZE,
    Lecture,
    ddrm,
    langevin,
    moments,
    orthogonal,
    plain_langevin,
    prior_sampling,
    restart,
    split_gibbs,
)

import invprob as ip

STEPS = [1, 2, 5, 13, None]
PRIOR = ip.GaussianPrior.from_covariance(MEAN.reshape(SHAPE), COVARIANCE)
SINGULAR = torch.tensor([2.0, 1.0, 1.0, 0.5, 0.2, 0.0, 0.0, 0.0], dtype=F64)
MATRIX = (orthogonal(2) * SINGULAR) @ orthogonal(3).T
NOISES = {
    "dense": ip.Gaussian(sigma=0.1, operator=ip.Dense(MATRIX, SHAPE)),
    "mask": ip.Gaussian(sigma=0.2, operator=ip.Mask(torch.tensor([[1.0, 0, 1, 0], [0, 0, 1, 1]]))),
    "white": ip.Gaussian(sigma=0.3),
    "nothing": ip.Unobserved(),
}


class Network:
    """A prior that knows no moments, as networks do."""

    def denoise(self, x, sigma):
        return PRIOR.denoise(x, sigma)


def problem_of(name, prior=PRIOR):
    noise, x = NOISES[name], PRIOR.sample((1, *SHAPE), ip.generator(4))
    return ip.Problem(prior, noise, noise.sample(x, ip.generator(5)), SHAPE)


@attrs.define
class Impulses:
    """Normal draws: none at all in row 0, a single 1 in each of the others."""

    rows: int
    calls: int = 0

    def normal(self, like, /):
        drawn = torch.zeros(self.rows, SIZE, dtype=F64)
        first = 1 + self.calls * SIZE
        if first < self.rows:
            drawn[first : first + SIZE] = torch.eye(SIZE, dtype=F64)
        self.calls += 1
        return drawn.reshape(like.shape)

    def uniform(self, like, /):
        """Seeds that say which row draws, and which draws are its next two."""
        seeds = torch.arange(self.rows) + self.rows * self.calls
        self.calls += 2
        return ((seeds.to(F64) + 0.5) / 2**53).reshape(like.shape)

    def given(self, like, generator, /):
        """What a likelihood draws with such a seed."""
        first, row = divmod(generator.initial_seed(), self.rows)
        drawn, place = torch.zeros(2 * SIZE, dtype=F64), row - 1 - first * SIZE
        if 0 <= place < 2 * SIZE:
            drawn[place] = 1
        return drawn.reshape(2, *like.shape[1:])[: len(like)]


def run(problem, solver, steps, streams):
    likelihood = mock.patch("invprob.likelihoods.spectral.normal", streams.given)
    with likelihood, mock.patch("invprob.solvers.split_moves.normal", streams.given):
        state = solver.init(problem, streams, None)
        states = [state]
        for _ in range(steps):
            state = solver.step(problem, state, streams)
            states.append(state)
    return states


def by_running(problem, solver, steps):
    """Mean and covariance of the noisy images, and of the estimates, after so many steps."""
    counter = Impulses(1)
    run(problem, solver, steps, counter)
    rows = 1 + counter.calls * SIZE
    state = run(problem.repeat(rows), solver, steps, Impulses(rows))[-1]
    noisy = state.x
    if isinstance(solver, ip.AnnealedLangevin):
        noisy = problem.likelihood.spectrum(SHAPE).v(noisy)
    parts = (part.reshape(rows, SIZE).T for part in (noisy, solver.estimate(state)))
    return [moments(part[:, 0], part[:, 1:] - part[:, :1]) for part in parts]


CASES = [
    ("langevin", ip.AnnealedLangevin(levels=6, repeats=2), langevin, "dense mask white"),
    (
        "langevin, fresh noise",
        ip.AnnealedLangevin(levels=5, step_size=0.1, reuse_noise=False, sigma_max=1.0),
        langevin,
        "dense mask white",
    ),
    (
        "langevin, plain",
        ip.AnnealedLangevin(
            ratio=0.8,
            repeats=2,
            step_size=0.1,
            sigma_min=0.01,
            sigma_max=1.0,
            reuse_noise=False,
            plain_step=True,
        ),
        plain_langevin,
        "mask white",
    ),
    ("ddrm", ip.DDRM(calls=8), ddrm, "dense mask white"),
    ("ddrm, other shares", ip.DDRM(calls=6, eta=0.3, eta_b=0.7), ddrm, "dense mask white"),
    ("reverse SDE", ip.PriorSampling(calls=9), prior_sampling, "nothing"),
    (
        "prior langevin",
        ip.PriorSampling(calls=7, method="langevin"),
        prior_sampling,
        "nothing",
    ),
    (
        "restart, part-way",
        ip.Restart(24, particles=1, guided=False, kappa=0.7),
        restart,
        "dense mask white",
    ),
    ("restart, many", ip.Restart(100, particles=1, guided=False), restart, "dense mask"),
    (
        "restart, all the way",
        ip.Restart(16, particles=1, guided=False, kappa=0),
        restart,
        "dense mask white",
    ),
    (
        "restart, more noise",
        ip.Restart(20, particles=1, guided=False, s_noise=1.1),
        restart,
        "dense mask",
    ),
    ("split gibbs", ip.SplitGibbs(16), split_gibbs, "dense mask white"),
    ("split gibbs, low", ip.SplitGibbs(11, sigma_min=0.02), split_gibbs, "dense"),
]


@pytest.mark.parametrize("steps", STEPS)
@pytest.mark.parametrize(
    ("solver", "lecture", "noise"),
    [
        pytest.param(solver, lecture, noise, id=f"{name}, {noise}")
        for name, solver, lecture, noises in CASES
        for noise in noises.split()
    ],
)
def test_mean_and_covariance_are_those_of_the_formulas(solver, lecture, noise, steps):
    compare(problem_of(noise), solver, lecture, steps)


@pytest.mark.parametrize("steps", STEPS)
@pytest.mark.parametrize("calls", [20, 100])
@pytest.mark.parametrize("noise", ["dense", "mask"])
def test_so_are_those_of_a_network_s_restarts(noise, calls, steps):
    solver = ip.Restart(calls, particles=1)
    compare(problem_of(noise, Network()), solver, partial(restart, network=True), steps)


def compare(problem, solver, lecture, steps):
    count = min(solver.steps(problem), steps or 10**9)
    states = run(problem, solver, count, Impulses(1))
    place = Lecture.of(problem, draws=4 + 2 * count)
    written = [place.image(columns) for columns in lecture(place, solver, states)]
    found = by_running(problem, solver, count)
    if isinstance(solver, ip.AnnealedLangevin) and count == solver.steps(problem):
        written, found = written[1:], found[1:]  # the last call leaves the noisy images alone
    for (mean, covariance), (expected, spread) in zip(found, written, strict=True):
        torch.testing.assert_close(mean, expected, rtol=1e-7, atol=1e-7)
        torch.testing.assert_close(covariance, spread, rtol=1e-7, atol=1e-9)
