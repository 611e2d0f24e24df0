"""Skewed noise: what the prox adds on average is known, and no restoration is too dark."""

import pytest
import torch

import invprob as ip
from invprob.solvers.balance import HEAVY
from invprob.solvers.excess import _is_biased, _measured, excess

PHOTO = ip.sample_photo()[..., 96:144, 96:144]
BLUR = ip.CircularBlur.named("uniform3")
FLAT = torch.full((1, 1, 64, 64), 0.4, dtype=torch.float64)
PRIOR = ip.GaussianPrior(mean=FLAT[0], sd=0.2)


@pytest.mark.parametrize(
    "noise",
    [
        ip.Gamma(alpha=2),
        ip.Poisson(peak=5),
        ip.SignalDependent(a=0.4, b=0.05),
        ip.Mixture(ip.Gamma(alpha=4), 0.05),
    ],
    ids=repr,
)
def test_at_the_truth_the_prox_without_its_excess_is_right_on_average(noise):
    y, step = noise.sample(FLAT, ip.generator(9)), torch.tensor(0.2, dtype=torch.float64)
    biased = noise.prox(y, FLAT, step) - FLAT
    rest = biased - excess(ip.Problem(PRIOR, noise, y), FLAT, step)
    assert float(biased.mean()) < -0.01
    assert abs(float(rest.mean())) < 0.25 * abs(float(biased.mean()))


@pytest.mark.parametrize(
    "noise",
    [
        ip.Gaussian(sigma=0.3),
        ip.Gaussian(sigma=0.3, operator=BLUR),
        ip.Correlated(ip.Gaussian(sigma=0.3), BLUR),
        ip.Observed(ip.Gamma(alpha=4), BLUR),
    ],
    ids=repr,
)
def test_nothing_is_taken_away_from_gaussian_noise_and_behind_operators(noise):
    problem = ip.Problem(PRIOR, noise, FLAT)
    assert not excess(problem, FLAT, torch.tensor(0.2)).any()


@pytest.mark.parametrize("seed", [0, 1])
def test_it_knows_nothing_of_the_noise_that_a_user_simulated(seed):
    noise, step = ip.Gamma(alpha=4), torch.tensor(0.2)
    y = noise.sample(FLAT, ip.generator(seed))
    found = excess(ip.Problem(PRIOR, noise, y), FLAT, step)
    local = torch.nn.functional.avg_pool2d(y, 5, 1)
    both = torch.stack([local.flatten(), found[..., 2:-2, 2:-2].flatten()])
    assert abs(float(torch.corrcoef(both)[0, 1])) < 0.25


def test_behind_a_mask_it_is_that_of_the_measured_pixels():
    mask = ip.Mask.random((64, 64), keep=0.5, seed=0)
    step, noise = torch.tensor(0.2, dtype=torch.float64), ip.Gamma(alpha=2)
    found = excess(ip.Problem(PRIOR, ip.Observed(noise, mask), FLAT), FLAT, step)
    whole = excess(ip.Problem(PRIOR, noise, FLAT), FLAT, step)
    seen = mask.observed(FLAT.shape[1:]).expand_as(found[0])
    assert not found[0][~seen].any()
    assert float(found[0][seen].mean()) == pytest.approx(float(whole.mean()), rel=0.15)


def test_a_photo_with_missing_pixels_under_skewed_noise_is_as_bright_as_it_was():
    """It was 9 % too dark, and 2.5 dB worse."""
    mask = ip.Mask.random(PHOTO.shape[-2:], keep=0.8, seed=0)
    noise = ip.Observed(ip.Gamma(alpha=4), mask)
    problem = ip.Problem(
        ip.DenoiserPrior.pretrained(), noise, noise.sample(PHOTO, ip.generator(0))
    )
    found, biased = (ip.solve(problem, ip.PnP(unbiased=flag)).x for flag in (True, False))
    assert float(found.mean() / PHOTO.mean()) == pytest.approx(1, abs=0.03)
    assert float(biased.mean() / PHOTO.mean()) < 0.96
    assert float(ip.psnr(found, PHOTO)) > float(ip.psnr(biased, PHOTO)) + 0.8


def test_a_row_does_not_depend_on_the_others():
    images = torch.cat([FLAT, FLAT / 2])
    noise, step = ip.Gamma(alpha=4), torch.tensor(0.2)
    both = excess(ip.Problem(PRIOR, noise, images), images, step)
    alone = excess(ip.Problem(PRIOR, noise, images[1:]), images[1:], step)
    assert torch.equal(both[1:], alone)


@pytest.mark.parametrize(
    ("noise", "methods"),
    [
        (
            ip.Gamma(alpha=1.5),
            (ip.PnP(), ip.ProximalGradient(), ip.RED(), ip.REDFixedPoint(), ip.REDADMM()),
        ),
        (ip.SignalDependent(a=0.3, b=0.05), (ip.PnP(), ip.ProximalGradient())),
    ],
    ids=["speckle", "signal-dependent"],
)
def test_a_photo_under_skewed_noise_is_as_bright_as_it_was(noise, methods):
    y = noise.sample(PHOTO, ip.generator(0))
    problem = ip.Problem(ip.DenoiserPrior.pretrained(), noise, y)
    reached = float(ip.psnr(ip.solve(problem, ip.ADMM()).x.clamp(0, 1), PHOTO))
    for solver in methods:
        found = ip.solve(problem, solver).x
        assert float(found.mean() / PHOTO.mean()) == pytest.approx(1, abs=0.06), solver
        assert float(ip.psnr(found.clamp(0, 1), PHOTO)) > reached - 0.5, solver


def test_steepest_descent_arrives_under_speckle_where_pixels_are_almost_black():
    """One such pixel used to give all others steps of 0."""
    noise = ip.Gamma(alpha=1.5)
    problem = ip.Problem(
        ip.DenoiserPrior(lambda x, sigma: PHOTO.expand_as(x), ip.Domain(sigma=(0.01, 1.0))),
        noise,
        noise.sample(PHOTO, ip.generator(0)),
    )
    *_, last = ip.iterate(problem, ip.RED(unbiased=False))
    step = torch.tensor(last.sigma**2 / HEAVY)
    assert float((last.state.x - noise.prox(problem.y, PHOTO, step)).abs().max()) < 1e-2


class Simulated(ip.Gamma):
    """Speckle that is simulated with a bug, or that knows no black."""

    def sample(self, x, generator, /):
        if self.alpha == 3:
            raise RuntimeError("a bug")
        if bool((x <= 0).any()):
            raise ip.InputError("black")
        return super().sample(x, generator)


def test_a_bug_in_a_simulation_is_not_taken_for_noise_without_bias():
    step = torch.tensor(0.2)
    with pytest.raises(RuntimeError, match="a bug"):
        excess(ip.Problem(PRIOR, Simulated(3), FLAT), FLAT, step)


def test_noise_that_knows_no_black_is_asked_of_what_is_nearly_black():
    step, z = torch.tensor(0.2), FLAT.clone()
    z[..., :8] = -0.1
    found = excess(ip.Problem(PRIOR, Simulated(2), FLAT), z, step)
    whole = excess(ip.Problem(PRIOR, ip.Gamma(2), FLAT), z.clamp(min=1 / 255), step)
    assert torch.equal(found, whole) and float(found.mean()) < -0.02


def test_the_operator_is_found_within_a_filter():
    """Behind a blur nothing is corrected, and with a mask what was measured is."""
    z, A = torch.full((1, 1, 16, 16), 0.5), ip.CorrelationFilter()
    blurred = ip.Correlated(ip.Observed(ip.Gamma(4), ip.CircularBlur.named("uniform3")), A)
    assert not _is_biased(blurred, z)
    mask = ip.Mask.random((16, 16), keep=0.5)
    masked = ip.Correlated(ip.Observed(ip.Gamma(4), mask), A)
    assert _is_biased(masked, z)
    assert torch.equal(_measured(masked, z)[0, 0].bool(), mask.mask)
