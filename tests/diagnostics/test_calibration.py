"""Ranks find samplers that are too sure, not sure enough or biased, and pass exact ones."""

import io
import math

import attrs
import pytest
import torch

import invprob as ip
from invprob.diagnostics.calibration import Calibration, rank

F64 = torch.float64
PRIOR = ip.GaussianPrior(mean=torch.full((1, 3, 3), 0.5, dtype=F64), sd=0.2)
NOISE = ip.Gaussian(sigma=0.2)


class Shapeless:
    """It draws images of any shape."""

    def sample(self, shape, generator, /):
        return torch.rand(shape, generator=generator)


@attrs.frozen(eq=False)
class State:
    x: torch.Tensor


@attrs.frozen
class Planted:
    """Exact samples of PRIOR's posterior, their spread and mean changed on purpose."""

    spread: float = 1.0
    bias: float = 0.0
    ignores_y: bool = False
    needs = ip.Needs(prior=(ip.contracts.Denoises,))
    stochastic = True

    def steps(self, problem, /):
        return 1

    def init(self, problem, streams, x0, /):
        return State(problem.zeros())

    def step(self, problem, state, streams, /):
        mean = 0.5 + 0 * problem.y if self.ignores_y else (problem.y + 0.5) / 2
        sd = 0.2 if self.ignores_y else 0.2 / 2**0.5
        return State(mean + sd * (self.bias + self.spread * streams.normal(problem.y)))

    def estimate(self, state, /):
        return state.x


def calibrated(solver, **options):
    return ip.calibrate(PRIOR, NOISE, solver, **{"images": 300, "samples": 15, **options})


def test_exact_samplers_pass():
    values = [calibrated(Planted(), seed=seed) for seed in range(20)]
    assert sum(value.p_value < 0.05 for value in values) <= 3
    assert sum(value.dispersion for value in values) / 20 == pytest.approx(1, abs=0.02)


def test_the_probabilities_of_an_exact_sampler_are_even():
    few = {"numbers": 1, "images": 100, "samples": 9}
    one = [calibrated(Planted(), seed=seed, **few).p_value for seed in range(40)]
    low = sum(p < 0.5 for p in one)
    assert 10 <= low <= 30


@pytest.mark.parametrize(("spread", "expected"), [(0.7, 1.33), (1.4, 0.7)])
def test_wrong_spread_is_found_and_named(spread, expected):
    found = calibrated(Planted(spread=spread))
    assert found.p_value < 1e-4
    assert found.dispersion == pytest.approx(expected, abs=0.1)
    nominal, observed = found.coverage()
    middle = len(nominal) // 2
    assert (observed[middle] < nominal[middle] - 0.05) == (spread < 1)


def test_bias_is_found():
    found = calibrated(Planted(bias=0.5))
    assert found.p_value < 1e-4


def test_images_take_the_place_of_what_a_prior_draws():
    denoiser = ip.DenoiserPrior(PRIOR.denoise)
    x = PRIOR.sample((300, 1, 3, 3), ip.generator(5))
    found = ip.calibrate(denoiser, NOISE, Planted(), samples=15, images=x)
    assert found.ranks.shape == (300, 8)
    assert found.p_value > 0.01
    brighter = ip.calibrate(denoiser, NOISE, Planted(), samples=15, images=x + 0.3)
    assert brighter.p_value < 1e-4


def test_a_prior_that_draws_none_is_told_to_be_given_images():
    denoiser = ip.DenoiserPrior(PRIOR.denoise)
    for options in ({}, {"shape": (1, 3, 3)}):
        with pytest.raises(ip.IncompatibleError, match="images=x"):
            ip.calibrate(denoiser, NOISE, Planted(), **options)
    with pytest.raises(ip.InputError, match="floating-point"):
        ip.calibrate(denoiser, NOISE, Planted(), images=torch.ones(5, 1, 3, 3).byte())


def test_samples_of_the_prior_are_calibrated_too():
    assert calibrated(Planted(ignores_y=True)).p_value > 0.01


def test_a_number_of_ones_own():
    def brightest(x):
        return torch.stack([x.flatten(1).amax(1), x.flatten(1).mean(1)], 1)

    assert calibrated(Planted(), numbers=brightest).ranks.shape == (300, 2)
    assert calibrated(Planted(spread=0.6), numbers=brightest).p_value < 1e-4


def test_restart_is_calibrated_on_a_mixture():
    means = torch.tensor([[-0.6, 0.0], [0.6, 0.2]], dtype=F64)
    weights, covariance = torch.tensor([0.3, 0.7]), 0.02 * torch.eye(2, dtype=F64)
    prior = ip.GaussianMixturePrior(weights, means, covariance)
    noise = ip.Gaussian(sigma=0.3)
    assert ip.calibrate(prior, noise, ip.Restart(), samples=15).p_value > 0.01


def test_ranks_count_the_samples_below():
    x = torch.tensor([[[0.0]], [[2.5]], [[9.0]]])
    samples = torch.arange(1.0, 5.0).reshape(4, 1, 1, 1).expand(4, 3, 1, 1)
    found = rank(samples, x, ip.generator(0), numbers=lambda image: image.flatten(1))
    assert found.ranks.flatten().tolist() == [0, 2, 4]


def test_ties_are_broken_evenly():
    flat = rank(torch.zeros(3, 4000, 1), torch.zeros(4000, 1), ip.generator(0), numbers=1)
    assert flat.p_value > 0.01
    assert flat.ranks.flatten().bincount().tolist() == pytest.approx([1000] * 4, rel=0.12)


@pytest.mark.parametrize("samples", [1, 4, 7, 31])
def test_bins_and_intervals_expect_what_uniform_ranks_give(samples):
    ranks = torch.arange(samples + 1).repeat(60)[:, None]
    value = Calibration(ranks, samples)
    counts, expected = value.histogram()
    torch.testing.assert_close(counts[0].double(), expected)
    nominal, observed = value.coverage()
    torch.testing.assert_close(nominal, observed)
    assert bool((nominal.diff() > 0).all())
    assert value.dispersion == pytest.approx(1)
    assert value.p_value == pytest.approx(1)


def test_the_probability_is_that_of_the_worst_of_all_numbers():
    even = torch.arange(4).repeat(20)
    uneven = torch.cat([even[even != 3], torch.tensor([0, 1] * 10)])  # 30, 30, 20 and no rank 3
    both = Calibration(torch.stack([even, uneven], 1), 3)
    surplus = (2 * 10**2 + 20**2) / 20  # chi-square with 3 degrees of freedom
    tail = math.erfc((surplus / 2) ** 0.5)
    tail += (2 * surplus / math.pi) ** 0.5 * math.exp(-surplus / 2)
    assert both.p_value == pytest.approx(2 * tail)
    assert Calibration(torch.stack([even, even, even], 1), 3).p_value == 1


def test_the_picture_shows_both():
    figure = calibrated(Planted(), images=80).plot()
    assert [axes.get_xlabel() for axes in figure.axes] == ["rank of the truth", "credible level"]
    file = io.BytesIO()
    figure.savefig(file)
    assert len(file.getvalue()) > 5000


def test_what_does_not_fit_is_refused():
    with pytest.raises(ip.InputError, match="deterministic"):
        calibrated(ip.PnP())
    with pytest.raises(ip.InputError, match="shape of its own"):
        ip.calibrate(Shapeless(), NOISE, Planted())
    with pytest.raises(ip.InputError, match="at least one"):
        calibrated(Planted(), images=0)
    with pytest.raises(ip.InputError, match="at least one projection"):
        calibrated(Planted(), numbers=0)
    with pytest.raises(ip.InputError, match=r"give \(L, B, \*image\)"):
        rank(torch.zeros(3, 4), torch.zeros(4), ip.generator(0))
    with pytest.raises(ip.InputError, match=r"they lie in 0 \.\.\. 3"):
        Calibration(torch.tensor([[4]]), 3)
    with pytest.raises(ip.InputError, match="give integers"):
        Calibration(torch.tensor([[0.5]]), 3)
