"""The indicators of a result: the misfit with the data, and whether chains mixed."""

import weakref

import attrs
import pytest
import torch

import invprob as ip
from invprob.misfit import simulated
from invprob.result import Result

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
    denoiser = ip.DenoiserPrior.pretrained()
    assert "Either the noise is weaker" in str(result_of(noise, y, y, prior=denoiser))
    assert "does not explain" not in str(result_of(noise, y, y))  # a prior as rough as the noise
    far = str(result_of(noise, x + 0.3, y))
    assert "Either the noise is stronger" in far and "or the estimate is poor" in far
    weak = ip.Gaussian(sigma=0.01)  # an estimate may well keep that as detail
    assert "does not explain" not in str(result_of(weak, y, y, prior=denoiser))
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
    torch.testing.assert_close(several, result_of(noise, x, y).misfit(), rtol=0.2, atol=0)


def test_nothing_measured_has_no_misfit():
    problem = ip.Problem(PRIOR, ip.Unobserved(), torch.zeros(1, *SHAPE))
    result = ip.solve(problem)
    assert result.misfit() is None
    assert "misfit" not in str(result)


def test_a_result_in_words(problem):
    text = str(ip.solve(problem, ip.Restart(), samples=4))
    assert text.startswith("Restart(")
    assert "4 samples of 2 measurements, (1, 4, 4)" in text
    assert "samples of the posterior give 1 ± 0.25" in text
    estimate = str(ip.solve(problem))
    assert "below 1, as it is" in estimate and "±" not in estimate
    assert "last change" in estimate
    assert str(Result(torch.zeros(1, 1, 1, 2, 2), 9, "ran all 9 steps", ())).startswith("ran all")


def test_one_step_has_no_last_one(problem):
    result = ip.solve(problem, ip.PnP(iterations=1))
    assert result.stopped == "ran its only step" and "last change" not in str(result)


def test_the_noise_of_a_measurement_is_not_simulated_again():
    noise, x = NOISES["gaussian"], PRIOR.sample((40, *SHAPE), ip.generator(1))
    y = noise.sample(x, ip.generator(0))
    assert float(result_of(noise, x, y).misfit().mean()) == pytest.approx(1, abs=0.05)


@pytest.mark.parametrize(("off", "said"), [(0.0, False), (0.04, False), (0.056, True)])
def test_samples_are_judged_more_strictly_than_estimates(off, said):
    noise, x = NOISES["gaussian"], PRIOR.sample((4, *SHAPE), ip.generator(0))
    y = noise.sample(x, ip.generator(1))
    samples = result_of(noise, (x + off).repeat(2, 1, 1, 1), y, samples=2)
    assert ("too far from it" in str(samples)) == said
    assert "does not explain" not in str(result_of(noise, x + off, y))


COLOUR = ip.GaussianPrior(mean=torch.full((3, 16, 16), 0.5), sd=0.1)


def test_few_calls_are_the_first_suspect():
    noise, x = NOISES["gaussian"], PRIOR.sample((4, *SHAPE), ip.generator(0))
    far = result_of(noise, (x + 0.3).repeat(2, 1, 1, 1), noise.sample(x, ip.generator(1)), 2)
    assert "First take more calls: these samples had 1 steps" in str(far)
    assert "First take more calls" in str(attrs.evolve(far, steps=500, mixing=2.0))
    assert "Likely the noise is stronger" in str(attrs.evolve(far, steps=500, mixing=1.0))
    assert "Likely the noise is stronger" in str(attrs.evolve(far, steps=500))


@pytest.mark.parametrize(
    "operator",
    [ip.Grayscale(), ip.Dense(torch.randn(200, 768, generator=ip.generator(5)) / 9, (3, 16, 16))],
    ids=["grayscale", "wide"],
)
def test_an_estimate_may_fit_data_that_are_fewer_than_its_pixels(operator):
    noise, x = ip.Gaussian(sigma=0.1, operator=operator), torch.full((1, 3, 16, 16), 0.5)
    y = noise.sample(x, ip.generator(1))
    fitted = x + 0.5 * torch.linalg.pinv(_matrix(operator)).matmul(
        (y - operator.forward(x)).flatten()
    ).reshape(x.shape)
    result = result_of(noise, fitted, y, prior=ip.DenoiserPrior.pretrained())
    assert float(result.misfit()) < 0.4
    assert "does not explain" not in str(result)
    samples = result_of(noise, fitted.repeat(2, 1, 1, 1), y, samples=2, prior=COLOUR)
    assert "noise is weaker" in str(samples)


def _matrix(operator):
    basis = torch.eye(768).reshape(-1, 3, 16, 16)
    return operator.forward(basis).flatten(1).T


def test_simulations_are_made_one_at_a_time():
    alive = []

    @attrs.frozen
    class Watched:
        noise: ip.Gaussian

        def sample(self, x, generator, /):
            alive.append(sum(drawn() is not None for drawn in drawings))
            drawings.append(weakref.ref(drawn := self.noise.sample(x, generator)))
            return drawn

    drawings = []
    x = PRIOR.sample((2, *SHAPE), ip.generator(0))
    simulated(Watched(NOISES["gaussian"]), x, x, samples=1)
    assert len(alive) == 8
    assert max(alive) <= 1


# --------------------------------------------------------------------------- echo

LARGE = 1, 64, 64
FLAT = ip.GaussianPrior(mean=torch.full(LARGE, 0.5), sd=0.1)
GRAY = ip.DenoiserPrior.pretrained()


def echoing(true, share, **said):
    """A result that took a share of such noise, less its four neighbours' mean, for noise."""
    drawn = true * torch.randn(1, *LARGE, generator=ip.generator(1))
    x = FLAT.sample((1, *LARGE), ip.generator(0))
    around = sum(drawn.roll(by, axis) for by in (1, -1) for axis in (-1, -2)) / 4
    return result_of(
        ip.Gaussian(**said), x + (1 - share) * drawn + share * around, x + drawn, prior=GRAY
    )


def test_what_is_left_of_stronger_noise_is_seen_though_its_size_is_right():
    half_fitted = echoing(0.1, 0.45, sigma=0.05)
    assert float(half_fitted.misfit()) == pytest.approx(1, abs=0.15)
    assert "neighbours are too unlike" in str(half_fitted)
    assert "Likely the noise is stronger than was said, or the operator is another" in str(
        half_fitted
    )


def test_an_image_that_is_left_in_the_data_is_seen():
    x, slope = torch.full((1, *LARGE), 0.5), torch.linspace(-0.1, 0.1, 64)
    noise = ip.Gaussian(sigma=0.1)
    result = result_of(noise, x, noise.sample(x + slope, ip.generator(1)), prior=GRAY)
    assert "neighbours are too much alike" in str(result)


def test_what_a_right_estimate_leaves_is_white_enough():
    noise, x = ip.Gaussian(sigma=0.1), FLAT.sample((1, *LARGE), ip.generator(0))
    y = noise.sample(x, ip.generator(1))
    assert "does not explain" not in str(result_of(noise, x, y, prior=GRAY))
    shrunk = (x + y) / 2  # a Gaussian prior's estimate
    assert "does not explain" not in str(result_of(noise, 0.6 * x + 0.4 * shrunk, y, prior=GRAY))


def test_neighbours_that_were_not_measured_do_not_count():
    mask = ip.Mask.random(LARGE, keep=0.1)
    result = echoing(0.1, 0.45, sigma=0.05, operator=mask)
    assert "neighbours" not in str(result)
    half = ip.Mask.random(LARGE, keep=0.5)
    assert "neighbours are too unlike" in str(echoing(0.1, 0.45, sigma=0.05, operator=half))


def test_noise_that_is_not_white_is_not_said_to_be_wrong():
    noise, x = ip.xie2023(8), torch.full((1, *LARGE), 0.5)
    y = noise.sample(x, ip.generator(1))
    assert "neighbours" not in str(result_of(noise, x, y, prior=GRAY))


@pytest.mark.parametrize(("sigma", "right"), [(0.1, True), (0.05, False)])
def test_a_wrong_level_of_a_photograph_is_said(sigma, right):
    photo = ip.sample_photo()[..., 96:160, 96:160]
    y = ip.Gaussian(sigma=0.1).sample(photo, ip.generator(0))
    prior = ip.DenoiserPrior.pretrained()
    result = ip.solve(ip.Problem(prior, ip.Gaussian(sigma=sigma), y), ip.PnP())
    assert 0.7 < float(result.misfit()) < 1.2
    assert ("neighbours are too unlike" not in str(result)) == right


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
    assert ip.solve(masked, ip.Restart(calls=300), samples=2).mixing is None  # they were chosen
    together = ip.Restart(calls=300, population=2, particles=1)
    assert ip.solve(masked, together, samples=2).mixing is None  # so were these
    assert ip.solve(problem, ip.Restart(), samples=2).mixing is None  # white denoising: no chain
    assert ip.solve(masked, ip.DDRM(), samples=2).mixing is None
    assert ip.solve(problem, ip.PnP()).mixing is None


def test_a_run_that_was_stopped_is_not_judged():
    """What it has not got to yet is no sign of another noise or operator."""
    mask = ip.Mask.random((16, 16), keep=0.5, seed=0)
    noise = ip.Gaussian(sigma=0.02, operator=mask)
    prior = ip.GaussianPrior(mean=torch.full((1, 16, 16), 0.5), sd=0.2)
    y = noise.sample(prior.sample((1, 1, 16, 16), ip.generator(0)), ip.generator(1))
    problem, solver = ip.Problem(prior, noise, y), ip.Restart(particles=1)
    early = ip.solve(problem, solver, samples=2, stop=lambda event: event.step == 4)
    assert "stopped before its end" in str(early) and "explain the data" not in str(early)
    assert "stopped before its end" not in str(ip.solve(problem, solver, samples=2))
