"""Fallbacks that are asked for: automatic gradients, iterated prox."""

import math

import pytest
import torch
from attrs import frozen
from noise_examples import BLUR, COLOURED, NOISES, PIXELWISE, image, measure

import invprob as ip
from invprob import contracts
from invprob.compatibility import lacks
from invprob.contracts import (
    Differentiable,
    InfersImageShape,
    MatchesScore,
    Proximal,
    ScoresData,
    Spectral,
    StatesEquation,
)
from invprob.likelihoods import pixelwise
from invprob.likelihoods.conjugate_gradients import conjugate_gradients
from invprob.likelihoods.delegation import Bounded

ANSWERED = {ip.contracts.ChecksMeasurement, InfersImageShape, ip.contracts.Likelihood}
"""What a wrapper answers for any noise: with nothing to object, and the same shape."""

EVERY = [
    *(
        one
        for module in (contracts.likelihoods, contracts.spectral)
        for one in vars(module).values()
        if getattr(one, "_is_protocol", False) and one.__module__ == module.__name__
    ),
    *(pixelwise.Pixelwise, pixelwise.Smooths, pixelwise.OnLattice, Bounded),
]


class Laplace:
    """y = x + noise of the double exponential law: the least that a plugin may write."""

    def sample(self, x, generator):
        u = torch.rand(x.shape, generator=generator, dtype=x.dtype) - 0.5
        return x - 0.1 * u.sign() * torch.log1p(-2 * u.abs())

    def log_prob(self, y, x):
        return -((y - x).abs() / 0.1 + torch.log(torch.tensor(0.2))).flatten(1).sum(1)


@pytest.mark.parametrize("name", NOISES)
def test_automatic_gradients_are_the_written_ones(name):
    noise, x = NOISES[name], image()
    y = measure(noise, x)
    derived = ip.autograd(noise)
    with torch.no_grad():
        gradient, score = derived.grad_x(y, x), derived.score_y(y, x)
    scale = gradient.abs().max()
    assert (gradient - noise.grad_x(y, x)).abs().max() < 1e-9 * scale
    if not lacks(noise, ScoresData):
        assert (score - noise.score_y(y, x)).abs().max() < 1e-9 * score.abs().max()
    assert not gradient.requires_grad
    with torch.inference_mode():
        torch.testing.assert_close(derived.grad_x(y, x), gradient)


def test_a_plugin_with_log_prob_alone_gets_the_rest():
    noise = Laplace()
    assert lacks(noise, Differentiable) and lacks(noise, Proximal)
    full = ip.iterative_prox(ip.autograd(noise), steps=100)
    assert not lacks(full, Differentiable) and not lacks(full, Proximal)
    y, v, step = torch.zeros(1, 3), torch.tensor([[1.0, 0.5, -0.3]]), torch.tensor(0.02)
    # soft thresholding: v moves towards y by step / 0.1
    found = full.prox(y, v, step)
    torch.testing.assert_close(found, torch.tensor([[0.8, 0.3, -0.1]]), rtol=0, atol=1e-4)


@pytest.mark.parametrize("name", ["gaussian", "masked gaussian", "blurred gaussian"])
def test_linear_gaussian_prox_by_conjugate_gradients(name):
    noise, x, v = NOISES[name], image(), image(4)
    y, step = measure(noise, x), torch.tensor([1e-3, 0.01, 0.1], dtype=torch.float64)
    found = ip.iterative_prox(noise, steps=60).prox(y, v, step)
    torch.testing.assert_close(found, noise.prox(y, v, step), rtol=0, atol=1e-7)


@pytest.mark.parametrize("name", ["gamma", "poisson", "rayleigh", "signal-dependent"])
def test_convex_prox_by_conjugate_gradients(name):
    noise, x = PIXELWISE[name], image(darkest=0.3)
    y, step = measure(noise, x), torch.tensor(0.005, dtype=torch.float64)
    exact = noise.prox(y, x, step)
    found = ip.iterative_prox(noise, steps=100).prox(y, x, step)
    torch.testing.assert_close(found, exact, rtol=0, atol=1e-5)


def test_a_prox_where_no_pixel_stands_alone():
    noise, x = COLOURED["coloured signal-dependent"], image()
    y, step = measure(noise, x), torch.tensor([0.01, 0.1, 1.0], dtype=torch.float64)
    found = ip.iterative_prox(noise, steps=100).prox(y, x, step)
    assert (found - noise.prox(y, x, step)).abs().max() < 1e-5
    slope = found - x - step.reshape(-1, 1, 1, 1) * noise.grad_x(y, found)
    assert slope.abs().max() < 1e-5
    single = ip.iterative_prox(noise, steps=100).prox(y.float(), x.float(), step.float())
    torch.testing.assert_close(single.double(), found, rtol=0, atol=1e-3)


def test_the_objective_never_rises():
    """Rosenbrock's valley, two rows, one of which starts in the minimum."""

    def objective(x):
        return (1 - x[:, 0]) ** 2 + 100 * (x[:, 1] - x[:, 0] ** 2) ** 2

    def gradient(x):
        with torch.enable_grad():
            x = x.clone().requires_grad_()
            return torch.autograd.grad(objective(x).sum(), x)[0]

    start = torch.tensor([[-1.2, 1.0], [1.0, 1.0]], dtype=torch.float64)
    values = [objective(conjugate_gradients(objective, gradient, start, n)) for n in range(40)]
    values = torch.stack(values)
    assert (values.diff(dim=0) <= 1e-12).all()
    assert values[-1, 0] < 0.1 < values[0, 0] and values[-1, 1] == 0


def test_a_start_where_the_likelihood_vanishes():
    noise = ip.iterative_prox(ip.Gamma(26), steps=200)
    y, v = torch.full((1, 4), 0.5).double(), torch.full((1, 4), -0.2).double()
    step = torch.tensor(0.01, dtype=torch.float64)
    torch.testing.assert_close(
        noise.prox(y, v, step), ip.Gamma(26).prox(y, v, step), rtol=0, atol=1e-5
    )
    with pytest.raises(ip.InputError, match="nowhere to start"):
        noise.prox(-y, v, step)


def test_what_they_pass_on():
    noise = ip.iterative_prox(ip.Gaussian(0.1, operator=BLUR), steps=3)
    assert isinstance(noise, InfersImageShape) and noise.image_shape((1, 8, 8)) == (1, 8, 8)
    given = Spectral, Proximal, ScoresData, Differentiable, ip.contracts.Annealed
    assert not any(lacks(noise, one) for one in given)
    spectrum = noise.spectrum((1, 8, 8))
    assert spectrum.sd.shape == (1, 8, 8)
    derived = ip.autograd(ip.Gamma(26))
    assert {Spectral, ip.contracts.Annealed} <= set(derived.withdrawn())
    with pytest.raises(ip.InputError, match="Gamma"):
        derived.check_measurement(-torch.ones(1, 2))
    assert MatchesScore in ip.autograd(ip.Gamma(0.5)).withdrawn()


@pytest.mark.parametrize("capability", EVERY, ids=lambda one: one.__name__)
def test_they_can_do_what_the_noise_can(capability):
    """Every capability of a likelihood: also one that is new in the contracts."""
    for noise in [*NOISES.values(), ip.Unobserved()]:
        has = not lacks(noise, capability)
        if capability is StatesEquation:
            has = has or not lacks(noise, ScoresData)
        wrapped = {ip.autograd: {Differentiable, ScoresData, StatesEquation}}
        if not lacks(noise, Differentiable):
            wrapped[ip.iterative_prox] = {Proximal}
        for wrap, own in wrapped.items():
            assert (not lacks(wrap(noise), capability)) == (has or capability in own | ANSWERED)


@frozen
class StudentT:
    """y = x + 0.1 t, of 3 degrees of freedom: what one may write of a noise."""

    def sample(self, x, generator, /):
        normal = torch.randn(4, *x.shape, generator=generator, dtype=x.dtype)
        return x + 0.1 * normal[0] / normal[1:].square().mean(0).sqrt()

    def log_density(self, y, x, /):
        constant = math.log(2 / (0.1 * math.pi * 3**0.5))
        return constant - 2 * torch.log1p(((y - x) / 0.1).square() / 3)

    def log_prob(self, y, x, /):
        return self.log_density(y, x).flatten(1).sum(1)


@pytest.mark.parametrize("operator", [ip.Mask.random((6, 7), seed=0), BLUR], ids=repr)
def test_they_go_behind_an_operator(operator):
    wrapped = ip.iterative_prox(ip.autograd(StudentT()))
    noise, x = ip.Observed(wrapped, operator), image()[:1]
    y, step = noise.sample(x, ip.generator(0)), torch.tensor(0.01, dtype=torch.float64)
    torch.testing.assert_close(
        noise.log_prob(y, x), ip.Observed(StudentT(), operator).log_prob(y, x)
    )
    found = noise.prox(y, x, step)
    slope = found - x - step * noise.grad_x(y, found)
    assert slope.abs().max() < 1e-3


def test_what_knows_the_noise_knows_it_wrapped():
    prior, x = ip.DenoiserPrior.pretrained(), torch.full((1, 1, 8, 8), 0.4)
    noise = ip.autograd(ip.Poisson(30))
    problem = ip.Problem(prior, noise, ip.Poisson(30).sample(x, ip.generator(0)))
    assert isinstance(ip.recommend(problem).solver, ip.VST)
    filtered = [ip.Correlated(one, BLUR) for one in (noise, ip.Poisson(30))]
    x = image()[:1]
    y = filtered[0].sample(x, ip.generator(0))
    one, other = (likelihood.log_prob(y, x) for likelihood in filtered)
    torch.testing.assert_close(one, other)


def test_they_show_in_the_representation():
    noise = ip.iterative_prox(ip.autograd(ip.Gamma(26)), steps=7)
    assert repr(noise) == "IterativeProx(Autograd(Gamma(alpha=26.0)), steps=7)"


def test_impossible_wrappings():
    class Sampler:
        def sample(self, x, generator):
            return x

    for wrap in (ip.autograd, ip.iterative_prox):
        with pytest.raises(ip.InputError, match="needs a noise that is HasLikelihood"):
            wrap(Sampler())
    with pytest.raises(ip.InputError, match="Differentiable"):
        ip.iterative_prox(Laplace())
    for steps in (0, -1, 2.5, True):
        with pytest.raises(ip.InputError, match="steps="):
            ip.iterative_prox(ip.Gamma(26), steps=steps)


def test_a_gradient_is_found_where_none_is_recorded():
    noise, x = ip.autograd(ip.Gamma(26)), image().requires_grad_()
    y = measure(ip.Gamma(26), image())
    with torch.no_grad():
        found = noise.grad_x(y, x)
    torch.testing.assert_close(found, ip.Gamma(26).grad_x(y, image()))


def test_one_row_without_a_start_is_enough_to_refuse():
    noise = ip.iterative_prox(ip.Gamma(26))
    y = torch.tensor([[0.5], [-0.5]])
    with pytest.raises(ip.InputError, match="nowhere to start"):
        noise.prox(y, torch.full((2, 1), 0.5), torch.tensor(0.01))
    noise.prox(y.abs(), torch.full((2, 1), 0.5), torch.tensor(0.01))


@frozen
class Undefined(ip.Gaussian):
    """Gaussian noise whose density is NaN for images that are darker than black."""

    def log_prob(self, y, x, /):
        return super().log_prob(y, x) + 0 * x.sqrt().flatten(1).sum(1)


def test_where_a_density_is_no_number_it_is_zero():
    y, v, step = torch.full((1, 2), 0.3), torch.full((1, 2), -0.2), torch.tensor(0.01)
    found = ip.iterative_prox(Undefined(0.1)).prox(y, v, step)
    torch.testing.assert_close(found, torch.full((1, 2), 0.05))


def test_black_pixels_without_a_photon_have_a_gradient():
    noise, black = ip.Poisson(30), torch.zeros(1, 1, 1, 2, dtype=torch.float64)
    assert torch.equal(ip.autograd(noise).grad_x(black, black), noise.grad_x(black, black))
    assert float(noise.log_prob(black, black)) == 0
    assert float(noise.log_prob(black + 1 / 30, black)) == -torch.inf
