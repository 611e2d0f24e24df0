"""Noise models that see a linear measurement of the image."""

import pytest
import torch
from noise_examples import BLUR, PIXELWISE, SHAPE, image, measure

import invprob as ip
from invprob.compatibility import lacks
from invprob.contracts import LocallyGaussian, Proximal
from invprob.testing import parametrize

HOLES = ip.Mask.random(SHAPE, 0.6, seed=1)
OPERATORS = {"blur": BLUR, "mask": HOLES, "gray": ip.Grayscale(), "identity": ip.Identity()}


@parametrize(
    ip.Observed(ip.Gamma(alpha=9), HOLES),
    ip.Observed(ip.Poisson(peak=30), ip.CircularBlur.named("uniform5")),
    ip.Observed(ip.Poisson(peak=2), ip.CircularBlur.named("uniform3")),
    ip.Observed(ip.Gamma(alpha=9), ip.BlurDecimate(torch.full((3, 3), 1 / 9), 2)),
    ip.Observed(ip.SignalDependent(a=0.1, b=0.05), ip.SeparableBlur.named("uniform3")),
    ip.Observed(ip.Mixture(ip.Poisson(peak=30), sigma=0.05, exact=True), ip.Downsample(2)),
    ip.Observed(ip.Rayleigh(scale=0.3), ip.Grayscale()),
    ip.Observed(ip.Rayleigh(scale=0.3), ip.CircularBlur.named("uniform3")),
    examples=2,
)
def test_conforms(check):
    check()


@pytest.mark.parametrize("name", PIXELWISE)
def test_behind_the_identity_it_is_the_noise_itself(name):
    noise, x = PIXELWISE[name], image()
    behind, y = ip.Observed(noise, ip.Identity()), measure(noise, x)
    torch.testing.assert_close(behind.log_prob(y, x), noise.log_prob(y, x))
    torch.testing.assert_close(behind.grad_x(y, x), noise.grad_x(y, x))
    torch.testing.assert_close(behind.score_y(y, x), noise.score_y(y, x))
    torch.testing.assert_close(measure(behind, x), y)


class White:
    """Gaussian noise as a pixelwise one, to compare with the one that knows it is linear."""

    def sample(self, x, generator, /):
        return ip.Gaussian(sigma=0.1).sample(x, generator)

    def log_density(self, y, x, /):
        return torch.distributions.Normal(x, 0.1).log_prob(y)

    def grad_x(self, y, x, /):
        return (y - x) / 0.01

    def score_y(self, y, x, /):
        return (x - y) / 0.01

    def surrogate(self, y, x, sigma, /):
        return ip.pixelwise_surrogate(ip.Gaussian(sigma=0.1), y, x, sigma)


@pytest.mark.parametrize("name", OPERATORS)
def test_for_gaussian_noise_it_is_exact(name):
    operator = OPERATORS[name]
    x = image() if name != "gray" else image().expand(-1, 3, -1, -1).clone()
    known, behind = ip.Gaussian(sigma=0.1, operator=operator), ip.Observed(White(), operator)
    y = measure(known, x)
    torch.testing.assert_close(behind.log_prob(y, x), known.log_prob(y, x))
    torch.testing.assert_close(behind.grad_x(y, x), known.grad_x(y, x))
    spectrum = known.spectrum(tuple(x.shape[1:]))
    near = behind.surrogate(y, 0.5 * x, torch.tensor(0.02))
    seen = spectrum.sd.isfinite()
    torch.testing.assert_close(near.sd, spectrum.sd.to(x).expand_as(near.sd))
    torch.testing.assert_close(near.w[:, seen], spectrum.observe(y)[:, seen])
    assert (near.w[:, ~seen] == 0).all()


def test_what_was_not_measured_counts_nowhere():
    noise, x = ip.Observed(ip.Gamma(alpha=9), HOLES), image()
    y = measure(noise, x)
    hidden = ~HOLES.mask.expand(SHAPE)
    assert (y[:, hidden] == 0).all() and (y[:, ~hidden] > 0).all()
    noise.check_measurement(y)
    assert (noise.grad_x(y, x)[:, hidden] == 0).all()
    changed = torch.where(hidden, x + 0.3, x)
    torch.testing.assert_close(noise.log_prob(y, changed), noise.log_prob(y, x))
    bad = y.clone()
    bad[1, 0, ~hidden[0]] = torch.where(torch.arange(int((~hidden).sum())) == 2, -0.1, 0.5).to(y)
    with pytest.raises(ip.InputError, match=r"y\[1, .*= -0.1 \(1 of"):
        noise.check_measurement(bad)


def test_a_filter_before_and_one_after_the_noise():
    noise, x = ip.Correlated(ip.Observed(ip.Gamma(alpha=9), BLUR), ip.CorrelationFilter()), image()
    y = measure(noise, x)
    x.requires_grad_()
    (expected,) = torch.autograd.grad(noise.log_prob(y, x).sum(), x)
    torch.testing.assert_close(noise.grad_x(y, x), expected)
    assert lacks(noise, LocallyGaussian) is None


def test_refusals_say_what_to_write_instead():
    with pytest.raises(ip.InputError, match=r"Gaussian\(sigma, operator=H\)"):
        ip.Observed(ip.Gaussian(sigma=0.1), BLUR)
    with pytest.raises(ip.InputError, match="no linear operator"):
        ip.Observed(ip.Gamma(alpha=9), "blur")
    with pytest.raises(ip.InputError, match="no likelihood"):
        ip.Observed(ip.Gamma, BLUR)
    noise = ip.Observed(ip.Poisson(peak=30), ip.Downsample(2))
    assert noise.image_shape((1, 3, 3)) == (1, 6, 6)
    with pytest.raises(ip.InputError, match="no count"):
        noise.check_measurement(torch.full((1, 1, 3, 3), 0.51))
    stacked = ip.Stack([ip.CircularBlur.named("uniform5"), HOLES], SHAPE)
    why = lacks(ip.Observed(ip.Poisson(peak=30), stacked), LocallyGaussian)
    assert "no SVD" in why


TWICE = ip.Dense(2 * torch.eye(42), SHAPE)
FEW = ip.Mask.random(SHAPE, 0.3, seed=2)


@pytest.mark.parametrize("sigma", [1e-3, 0.05])
@pytest.mark.parametrize(("operator", "gain"), [(TWICE, 2.0), (FEW, 1.0)], ids=repr)
def test_near_an_image_what_is_known_best_counts_as_well_as_sigma_tells_apart(
    operator, gain, sigma
):
    """J at most the larger of its median, over what was measured, and 1 / (sigma s)²."""
    noise, x = ip.Poisson(peak=51), image(rows=2) ** 2
    behind, u = ip.Observed(noise, operator), operator.forward(x)
    y, reach = measure(behind, x), torch.tensor(sigma * gain).double()
    seen = torch.ones_like(u[0]).bool() if operator is TWICE else FEW.mask.expand(u.shape[1:])
    near = noise.surrogate(y, u, reach)
    sharp = near.sd.square().reciprocal()[:, seen]
    median = sharp.median(1, keepdim=True).values
    known = sharp.minimum(median.maximum(reach**-2))
    found = behind.surrogate(y, x, torch.tensor(sigma).double())
    pull = (found.w - found.vt(x)) / found.sd.square()
    wanted = torch.zeros_like(u)
    wanted[:, seen] = known * (near.w - u)[:, seen]
    torch.testing.assert_close(found.v(pull.nan_to_num(0, 0, 0)), operator.adjoint(wanted))
    spread = found.sd[found.sd.isfinite()].reshape(2, -1)
    torch.testing.assert_close(spread, (median.rsqrt() / gain).expand_as(spread))
    data = behind.linearised(y, x, torch.tensor([sigma, sigma]).double())
    torch.testing.assert_close(data.sd[:, seen], known.rsqrt())
    assert (data.sd[:, ~seen] == torch.inf).all()


class NoGradient(White):
    """A noise with a prox, whose gradient is not known."""

    grad_x = None

    def prox(self, y, v, step, /):
        return ip.Gaussian(sigma=0.1).prox(y, v, step)


def test_a_prox_is_split_where_there_is_a_gradient_and_a_basis():
    assert lacks(ip.Observed(ip.Poisson(peak=30), ip.Blur.named("uniform3")), Proximal) is None
    for operator in (BLUR, ip.Blur.named("uniform3")):
        assert "grad_x" in lacks(ip.Observed(NoGradient(), operator), Proximal)
