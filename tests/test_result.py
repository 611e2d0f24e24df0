"""The indicators of a result: the misfit with the data, and whether chains mixed."""

import attrs
import pytest
import torch

import invprob as ip
from invprob.result import Result

torch.set_num_threads(1)
SHAPE = (1, 16, 16)
PRIOR = ip.GaussianPrior(mean=torch.full(SHAPE, 0.5), sd=0.1)
NOISES = {
    "gaussian": ip.Gaussian(sigma=0.1),
    "inpainting": ip.Gaussian(sigma=0.1, operator=ip.Mask.random(SHAPE, keep=0.5)),
    "poisson": ip.Poisson(peak=30),
    "gamma": ip.Gamma(alpha=10),
    "rayleigh": ip.Rayleigh(scale=0.3),
    "signal-dependent": ip.SignalDependent(a=0.2, b=0.02),
    "coloured": ip.xie2023(2),
    "correlated": ip.xie2023(8),
}


def result_of(noise, x, y, samples=1, prior=PRIOR):
    """A result as if a solver had answered x, `(samples * B, *image)`, for a measurement y."""
    problem = ip.Problem(prior, noise, y).repeat(samples)
    return Result(x.unflatten(0, (samples, -1)), 1, "ran", (), problem=problem)


@pytest.mark.parametrize("name", NOISES)
def test_the_truth_has_a_misfit_of_one_under_every_noise(name):
    x = PRIOR.sample((60, *SHAPE), ip.generator(0)).clamp(min=0.1)
    y = NOISES[name].sample(x, ip.generator(1))
    misfit = result_of(NOISES[name], x, y).misfit()
    assert misfit.shape == (60,)
    assert float(misfit.mean()) == pytest.approx(1, abs=0.05)


@pytest.mark.parametrize("solver", [ip.Restart(), ip.AnnealedLangevin()])
@pytest.mark.parametrize("name", ["gaussian", "inpainting"])
def test_samples_of_the_posterior_have_a_misfit_of_one(name, solver):
    noise, draw = NOISES[name], ip.generator(3)
    y = noise.sample(PRIOR.sample((40, *SHAPE), draw), draw)
    result = ip.solve(ip.Problem(PRIOR, noise, y), solver, samples=2)
    assert float(result.misfit().mean()) == pytest.approx(1, abs=0.05)


def test_a_misfit_tells_too_close_from_too_far():
    noise, x = NOISES["gaussian"], PRIOR.sample((4, *SHAPE), ip.generator(0))
    y = noise.sample(x, ip.generator(1))
    assert float(result_of(noise, y, y).misfit().max()) < 0.2
    assert float(result_of(noise, x + 0.1, y).misfit().min()) > 1.5


def test_a_misfit_far_from_one_is_said_in_a_sentence():
    noise, x = NOISES["gaussian"], PRIOR.sample((4, *SHAPE), ip.generator(0))
    y = noise.sample(x, ip.generator(1))
    assert "does not explain" not in str(result_of(noise, x, y))
    assert "Likely the noise is weaker than was said" in str(result_of(noise, y, y))
    assert "Likely the noise is stronger than was said" in str(result_of(noise, x + 0.3, y))
    weak = ip.Gaussian(sigma=0.01)  # an estimate may well keep that as detail
    assert "does not explain" not in str(result_of(weak, y, y))
    pixel = ip.GaussianPrior(mean=torch.full((1, 1, 1), 0.5), sd=0.1)
    one = result_of(noise, x[:1, :, :1, :1] + 0.2, y[:1, :, :1, :1], prior=pixel)
    assert "does not explain" not in str(one)  # two standard deviations of a single pixel


def test_a_negative_pixel_is_black_to_noise_of_a_brightness():
    noise, x = NOISES["poisson"], PRIOR.sample((4, *SHAPE), ip.generator(0))
    x[..., :2] = 0.0
    y = noise.sample(x, ip.generator(1))
    below = x.clone()
    below[..., :2] = -0.01
    torch.testing.assert_close(
        result_of(noise, below, y).misfit(), result_of(noise, x, y).misfit(), rtol=0.1, atol=0
    )
    assert "misfit" in str(result_of(noise, below, y))


def test_several_samples_of_one_measurement_share_a_misfit():
    noise = NOISES["poisson"]
    x = PRIOR.sample((2, *SHAPE), ip.generator(0))
    y = noise.sample(x, ip.generator(1))
    several = result_of(noise, x.repeat(3, 1, 1, 1), y, samples=3).misfit()
    torch.testing.assert_close(several, result_of(noise, x, y).misfit(), rtol=0.1, atol=0)


def test_nothing_measured_has_no_misfit():
    problem = ip.Problem(PRIOR, ip.Unobserved(), torch.zeros(1, *SHAPE))
    result = ip.solve(problem)
    assert result.misfit() is None
    assert "misfit" not in str(result)


def test_a_result_in_words(problem):
    text = str(ip.solve(problem, ip.Restart(), samples=4))
    assert text.startswith("Restart(")
    assert "4 samples of 2 measurements, (1, 4, 4)" in text
    assert "noise alone gives 1 ± 0.25" in text
    assert "last change" in str(ip.solve(problem))
    assert str(Result(torch.zeros(1, 1, 1, 2, 2), 1, "ran all 1 steps", ())).startswith("ran all")


# --------------------------------------------------------------------------- mixing


def mixture(distance):
    means = torch.tensor([[-1.0, 0.0], [1.0, 0.0]]) * distance
    return ip.GaussianMixturePrior(torch.ones(2), means, 0.05 * torch.eye(2))


@pytest.mark.parametrize(("distance", "mixes"), [(0.1, True), (4.0, False)])
def test_chains_that_stay_in_different_modes_have_not_mixed(distance, mixes):
    noise = ip.Gaussian(sigma=0.3, operator=ip.Dense(torch.tensor([[0.0, 1.0]]), (2,)))
    problem = ip.Problem(mixture(distance), noise, torch.zeros(1, 1))
    result = ip.solve(problem, ip.Restart(particles=1, guided=False), samples=16)
    assert (result.mixing < 1.2) == mixes
    assert f"split R-hat {result.mixing:.2f}" in str(result)


def test_only_chains_at_one_level_mix(problem):
    masked = attrs.evolve(
        problem, likelihood=ip.Gaussian(sigma=0.1, operator=ip.Mask(torch.eye(4)))
    )
    assert ip.solve(masked, ip.Restart()).mixing is None
    assert ip.solve(masked, ip.Restart(particles=1), samples=2).mixing > 0
    assert ip.solve(problem, ip.Restart(), samples=2).mixing is None  # white denoising: no chain
    assert ip.solve(masked, ip.DDRM(), samples=2).mixing is None
    assert ip.solve(problem, ip.PnP()).mixing is None
