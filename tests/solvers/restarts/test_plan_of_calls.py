"""What `Restart` plans: levels, particles and pulls, and how short a restart is."""

import math

import pytest
import torch
from attrs import evolve

import invprob as ip
from invprob.diagnostics.laboratory import measurements, similar_mixture
from invprob.solvers import diffusion
from invprob.solvers.restarts import alone, crowds

SHAPE = (1, 4, 4)
PRIOR = similar_mixture((4, 4))
PINHOLES = measurements((4, 4))["inpaint"]
PINHOLES_PROBLEM = ip.Problem(
    PRIOR, PINHOLES, PINHOLES.sample(PRIOR.sample((1, *SHAPE), ip.generator(0)), ip.generator(1))
)
COUNTS = ip.Problem(PRIOR, ip.Poisson(peak=30), torch.full((1, *SHAPE), 0.5))


def planned(problem=PINHOLES_PROBLEM, **options):
    solver = ip.Restart(**options)
    samples = options.get("population", 1)
    return solver.init(problem.repeat(samples), ip.Streams(0, samples), None)


def levels_and_pulls(state):
    count = state.restarts
    return zip(state.levels[:count].tolist(), state.pulls[:count].tolist(), strict=True)


@pytest.mark.parametrize("calls", [15, 50, 200])
def test_the_data_pull_nowhere_where_that_is_not_wanted(calls):
    assert not planned(calls=calls, guided=False).pulls.any()


def test_from_far_above_the_first_restart_is_pulled_in_several_rounds():
    assert planned(calls=100).pulls[0] == planned(calls=100, guided=True).pulls[0] == 4
    near = diffusion.radius(PINHOLES_PROBLEM)
    assert planned(calls=100, sigma_max=near).pulls[0] == 0
    assert planned(calls=100, sigma_max=near, guided=True).pulls[0] == 1


@pytest.mark.parametrize("calls", [20, 100])
def test_by_default_the_data_pull_below_what_pixels_vary_by_but_not_at_the_last_level(calls):
    state, deviation = planned(calls=calls), diffusion.deviation(PINHOLES_PROBLEM)
    last = float(state.levels[state.restarts - 1])
    for level, pulls in list(levels_and_pulls(state))[1:]:
        assert pulls == int(last < level <= deviation)
    assert not planned(calls=19).pulls[1:].any()


def test_where_it_is_asked_for_they_pull_every_restart():
    state = planned(calls=100, guided=True)
    assert state.pulls[: state.restarts].all() and not state.pulls[state.restarts :].any()


@pytest.mark.parametrize("calls", [50, 100, 300])
def test_a_tenth_of_the_calls_is_left_for_the_last_level(calls):
    state = planned(calls=calls)
    levels = state.levels[: state.restarts]
    assert int((levels == levels[-1]).sum()) >= calls // 10


def test_several_crowds_together_have_more_levels():
    one, together = (planned(calls=300, population=n) for n in (1, 8))
    assert int((together.alive > 1).sum()) > int((one.alive > 1).sum())


@pytest.mark.parametrize(("side", "one", "together"), [(32, True, True), (40, False, True)])
def test_samples_of_larger_images_begin_as_crowds_only_where_they_make_one(side, one, together):
    y = torch.full((1, 1, side, side), 0.5)
    noise = ip.Gaussian(sigma=0.1, operator=ip.Mask.random((side, side), keep=0.5))
    problem = ip.Problem(ip.GaussianPrior(mean=y[0], sd=0.2), noise, y)
    found = [planned(problem, population=n, calls=20).alive.max() > 1 for n in (1, 4)]
    assert found == [one, together]


@pytest.mark.parametrize("calls", [8, 20, 50, 101, 300])
def test_crowds_under_noise_that_is_not_gaussian_spend_all_calls(calls):
    assert int(planned(COUNTS, calls=calls).alive.sum()) == calls


@pytest.mark.parametrize("sigma", [0.01, 0.3, 3.0])
@pytest.mark.parametrize("calls", [20, 100])
def test_levels_fall_and_restarts_end_where_the_data_are(sigma, calls):
    noise = ip.Gaussian(sigma, operator=ip.Mask(torch.eye(4)))
    state = planned(ip.Problem(PRIOR, noise, torch.zeros(1, *SHAPE)), calls=calls)
    levels = state.levels.tolist()
    assert levels == sorted(levels, reverse=True)
    assert levels[state.restarts - 1] == pytest.approx(sigma)


class Network:
    """A prior that does not know its moments."""

    def denoise(self, x, sigma):
        return PRIOR.denoise(x, sigma)


def kappas(problem, calls, *, falling):
    solver = ip.Restart(calls, particles=1, guided=False)
    state = solver.init(problem, ip.Streams(0), None)
    done = 2 if falling else state.restarts - 1
    state = evolve(state, done=done, sigma=float(state.levels[done - 1]))
    return alone.kappas(problem, state, torch.tensor([0.1, torch.inf])).tolist(), state.restarts


def test_restarts_are_shorter_for_what_was_measured_while_levels_fall():
    half = ip.Problem(PRIOR, PINHOLES, PINHOLES_PROBLEM.y)
    network = ip.Problem(Network(), PINHOLES, PINHOLES_PROBLEM.y)
    assert kappas(half, 50, falling=True)[0] == pytest.approx([0.85, 0.0])
    assert kappas(COUNTS, 50, falling=True)[0] == pytest.approx([0.7, 0.0])
    assert kappas(half, 50, falling=False)[0] == pytest.approx([0.0, 0.0])
    for falling, whole in ((True, alone.WHOLE_MEASURED), (False, alone.WHOLE)):
        (measured, free), count = kappas(network, 300, falling=falling)
        assert measured == pytest.approx(math.sqrt(1 - whole / count))
        assert free == pytest.approx(math.sqrt(1 - alone.WHOLE / count))


def test_noise_that_is_not_gaussian_makes_no_network():
    assert alone.is_network(ip.Problem(Network(), PINHOLES, PINHOLES_PROBLEM.y))
    assert not alone.is_network(PINHOLES_PROBLEM)
    assert not alone.is_network(ip.Problem(Network(), COUNTS.likelihood, COUNTS.y))


def test_copies_of_a_particle_are_told_from_the_first():
    state = planned(calls=100)
    done = 2 + int(state.alive[2:].diff().nonzero()[0])  # where the crowd first shrinks
    state = evolve(state, done=done)
    now, then = crowds.counts(state)
    assert now > then > 2
    weight = torch.full((1, now), -90.0, dtype=torch.float64)
    weight[0, [1, 3]] = 0.0
    drawn = crowds.draw(PINHOLES_PROBLEM, state, weight, 1, ip.Streams(0))
    assert set(drawn.chosen.tolist()) == {1, 3}
    assert int(drawn.copied.sum()) == then - 2 and not drawn.copied[0]
