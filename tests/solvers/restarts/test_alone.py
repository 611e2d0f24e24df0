"""Samples alone: what a network's restarts have that an exact prior's have not."""

import pytest
import torch

import invprob as ip
from invprob.errors import InputError

SHAPE = (1, 8, 8)
PRIOR = ip.GaussianPrior(mean=torch.full(SHAPE, 0.5), sd=0.2)
SEEN = torch.arange(64).reshape(8, 8) % 2
HALF = ip.Gaussian(sigma=0.05, operator=ip.Mask(SEEN))


class Network:
    """A prior without moments, which takes noise for stronger than it is by a factor."""

    def __init__(self, factor=1.0):
        self.factor = factor

    def denoise(self, x, sigma):
        return PRIOR.denoise(x, self.factor * sigma)


def problem_of(prior):
    return ip.Problem(prior, HALF, torch.full((1, *SHAPE), 0.5) * SEEN)


def samples(prior, count=2, **options):
    solver = ip.Restart(100, particles=1, guided=False, **options)
    return ip.solve(problem_of(prior), solver, samples=count).samples


def test_a_network_that_takes_away_too_much_gets_its_spread_back_from_more_noise():
    spread = {
        s_noise: samples(Network(1.2), 200, s_noise=s_noise)[..., SEEN == 0].var() / 0.2**2
        for s_noise in (1.0, 1.2)
    }
    assert spread[1.0] < 0.8
    assert 0.9 < spread[1.2] < 1.1


def test_only_a_network_gets_more_noise():
    assert torch.equal(samples(PRIOR), samples(PRIOR, s_noise=1.0))
    assert not torch.equal(samples(Network()), samples(Network(), s_noise=1.0))


@pytest.mark.parametrize(("calls", "exact", "network"), [(20, 3, 3), (100, 22, 10), (300, 72, 28)])
def test_a_network_has_few_restarts_at_the_last_level(calls, exact, network):
    for prior, stays in ((PRIOR, exact), (Network(), network)):
        problem = problem_of(prior)
        solver = ip.Restart(calls, particles=1, guided=False)
        state = solver.init(problem, ip.Streams(0), None)
        levels = state.levels[: state.restarts]
        assert int((levels == levels[-1]).sum()) == stays + 1  # where they fall to, and stay


@pytest.mark.parametrize("s_noise", [0.99, -1.0, float("inf"), float("nan")])
def test_less_noise_than_the_level_is_refused(s_noise):
    with pytest.raises(InputError, match="1 or more, for example 1.02"):
        ip.Restart(s_noise=s_noise)
