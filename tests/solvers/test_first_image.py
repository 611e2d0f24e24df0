"""Where estimates begin: at what the data alone suggest, whatever the likelihood can do."""

import attrs
import pytest
import torch

import invprob as ip
from invprob.solvers.fill import fill
from invprob.solvers.first_image import first_image

F64 = torch.float64
SHAPE = (1, 6, 8)
PRIOR = ip.GaussianPrior(mean=torch.full(SHAPE, 0.4, dtype=F64), sd=0.2)
TRUTH = torch.rand(2, *SHAPE, generator=ip.generator(0), dtype=F64)


@attrs.frozen
class OnlySimulated:
    """Sums of rows, of which nothing is known but how they come about."""

    def sample(self, x, generator, /):
        return x.sum(-1)

    def image_shape(self, shape, /):
        return SHAPE


@pytest.mark.parametrize(
    "noise",
    [
        ip.Gaussian(0.2),
        ip.Gaussian(0.2, operator=ip.Mask.random(SHAPE, keep=0.5, seed=0)),
        ip.Gaussian(0.1, operator=ip.CircularBlur.named("uniform3")),
        ip.Poisson(30),
    ],
    ids=repr,
)
def test_it_is_the_estimate_under_independent_pixels_around_what_is_filled_in(noise):
    """So -log p(y | x) + ‖x - f‖² / (2 * 0.25²) has no slope there."""
    problem = ip.Problem(PRIOR, noise, noise.sample(TRUTH, ip.generator(1)))
    x = first_image(problem, None)
    pull = (fill(problem, 0.25**2) - x) / 0.25**2
    slope = noise.grad_x(problem.y, x) + pull
    inside = x > 1e-3
    torch.testing.assert_close(slope[inside], torch.zeros_like(slope[inside]), atol=1e-5, rtol=0)
    assert float(pull.abs().max()) > 0.1


def test_without_a_prox_it_is_the_likeliest_image():
    noise = ip.Mixture(ip.Correlated(ip.Gamma(26), ip.CorrelationFilter()), 0.02)
    y = noise.sample(TRUTH / 2 + 0.5, ip.generator(1))
    x = first_image(ip.Problem(PRIOR, noise, y), None)
    score = noise.equation(y, x)
    torch.testing.assert_close(score, torch.zeros_like(score), atol=1e-4, rtol=0)
    assert float((x - y).abs().max()) > 0.1


def test_of_sums_of_which_nothing_is_known_it_is_the_prior_s_mean():
    noise = OnlySimulated()
    y = noise.sample(TRUTH, ip.generator(1))
    x = first_image(ip.Problem(PRIOR, noise, y), None)
    torch.testing.assert_close(x, PRIOR.mean.expand(2, *SHAPE))


def test_an_image_that_is_given_is_taken():
    problem = ip.Problem(PRIOR, ip.Gaussian(0.2), TRUTH)
    assert torch.equal(first_image(problem, TRUTH / 2), TRUTH / 2)
