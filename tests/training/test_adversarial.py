"""The losses of a posterior sampler, held against a posterior that is known."""

import pytest
import torch
from attrs import frozen
from torch import Generator

import invprob as ip
from invprob.networks.generator import Architecture
from invprob.training import adversarial
from invprob.training.adversarial import (
    Adversaries,
    Weights,
    adversarial_loss,
    mean_penalty,
    slope_penalty,
)
from invprob.training.run import Run
from invprob.training.sampler import BETAS

MEAN, SPREAD, SIGMA = 0.5, 0.2, 0.2
NARROW = 0.05
POSTERIOR = SPREAD * SIGMA / (SPREAD**2 + SIGMA**2) ** 0.5


def plain_penalty(x, drawn):
    """With the mean of the samples for their expectation, as it is usually written."""
    return (x - drawn.mean(0)).square().flatten(1).mean(1)


@pytest.mark.parametrize("count", [2, 5])
def test_the_penalty_knows_the_mean_and_no_spread(count):
    generator = ip.generator(0)
    x = torch.full((40_000, 3), 0.5, dtype=torch.float64)
    noise = torch.randn((count, *x.shape), generator=generator, dtype=torch.float64)
    drawn = 0.6 + 0.3 * noise
    assert float(mean_penalty(x, drawn).mean()) == pytest.approx(0.1**2, abs=1e-3)
    biased = 0.1**2 + 0.3**2 / count
    assert float(plain_penalty(x, drawn).mean()) == pytest.approx(biased, abs=1e-3)


def test_the_penalty_is_the_mean_over_pairs():
    x, drawn = torch.rand(2, 3), torch.rand(4, 2, 3)
    errors = x - drawn
    pairs = [(errors[i] * errors[j]).mean(1) for i in range(4) for j in range(4) if i != j]
    torch.testing.assert_close(mean_penalty(x, drawn), torch.stack(pairs).mean(0))


def test_a_slope_of_1_or_less_is_free():
    x = torch.zeros(3, 1, 2, 2)
    for slope, expected in ((0.0, 0.0), (-1.0, 0.0), (0.5, 0.0), (3.0, 4.0)):
        found = slope_penalty(
            lambda x, y, s=slope: s * x.flatten(1).mean(1), x, 1 + x, x, ip.generator(0)
        )
        torch.testing.assert_close(found, torch.full((3,), expected), atol=1e-5, rtol=0)


def test_each_learns_by_its_own_loss():
    """The generator's gradient is that with a fixed critic, and the critic's the reverse."""
    torch.manual_seed(0)
    players = Adversaries(Architecture(1, (8,), 1))
    x = torch.rand(4, 1, 4, 4, generator=ip.generator(0))
    both = adversarial_loss(players, x, x, Weights(), ip.generator(1))
    both.backward()
    found = {name: p.grad.clone() for name, p in players.named_parameters()}
    players.zero_grad()
    many = x.repeat(2, 1, 1, 1)
    with torch.autocast("cpu", torch.bfloat16):
        drawn = players.generator(many, 1.0, ip.generator(1))
        liked = players.critic(drawn, many).float().mean()
    penalty = mean_penalty(x, drawn.unflatten(0, (2, 4))).mean()
    own = torch.autograd.grad(10 * penalty - liked, list(players.generator.parameters()))
    for (name, _), gradient in zip(players.generator.named_parameters(), own, strict=True):
        torch.testing.assert_close(found[f"generator.{name}"], gradient, rtol=0.05, atol=1e-3)
    assert bool(found["critic.last.weight"].any())
    told = adversarial_loss(players, x, x, Weights(mean=0.0), ip.generator(1))
    critic = torch.autograd.grad(told, list(players.critic.parameters()))
    for (name, _), gradient in zip(players.critic.named_parameters(), critic, strict=True):
        torch.testing.assert_close(found[f"critic.{name}"], gradient)


@frozen
class Budget:
    steps: int = 800
    hours: float = 0.0
    average: float = 0.99
    seed: int = 0


@frozen(eq=False)
class Pixels:
    """Single pixels x ~ N(0.5, 0.2²), measured with noise of 0.2: what is behind them is known."""

    weights: Weights = Weights()
    recipe: Budget = Budget()
    width: int = 16

    def settings(self):
        return {}

    def about(self):
        return "pixels"

    def network(self):
        return Adversaries(Architecture(1, (self.width,), 1))

    def optimizers(self, network):
        rates = ((network.generator, 2e-3), (network.critic, 4e-3))
        return [torch.optim.Adam(part.parameters(), rate, BETAS) for part, rate in rates]

    def draw(self, count, generator):
        x = MEAN + SPREAD * torch.randn(count, 1, 1, 1, generator=generator)
        return x, x + SIGMA * torch.randn(x.shape, generator=generator)

    def loss(self, network, step, generator):
        x, y = self.draw(64, generator)
        return adversarial_loss(network, x, y, self.weights, generator)


def drawn_by(task, y):
    """What the sampler draws behind y once it has learned, `(200, B)`."""
    run = Run(task)
    while run.used < 1:
        run.advance()
    with torch.no_grad():
        many = y.repeat(200, 1, 1, 1)
        return run.averaged.generator(many, 1.0, Generator().manual_seed(2)).view(200, -1)


def learned(task):
    """The root mean square error of the sampler's mean, and its standard deviation."""
    _, y = task.draw(400, ip.generator(1))
    x = drawn_by(task, y)
    share = SPREAD**2 / (SPREAD**2 + SIGMA**2)
    exact = MEAN + share * (y.flatten() - MEAN)
    return float((x.mean(0) - exact).square().mean().sqrt()), float(x.var(0).mean().sqrt())


def test_a_posterior_that_is_known_is_learned():
    off, spread = learned(Pixels())
    assert off < 0.03
    assert 0.75 < spread / POSTERIOR < 1.25


@frozen(eq=False)
class Modes(Pixels):
    """Pixels that are dark or bright, 0.3 or 0.7, give or take 0.05."""

    def draw(self, count, generator):
        bright = torch.rand(count, 1, 1, 1, generator=generator) < 0.5
        x = torch.where(bright, 0.7, 0.3)
        x = x + NARROW * torch.randn(x.shape, generator=generator)
        return x, x + SIGMA * torch.randn(x.shape, generator=generator)


@pytest.mark.slow
def test_where_the_posterior_has_two_modes_the_spread_is_larger():
    task = Modes(recipe=Budget(steps=3000), width=32)
    _, y = task.draw(400, ip.generator(1))
    y = y.flatten().double()
    modes = torch.tensor([0.3, 0.7], dtype=torch.float64)
    near = (-(y - modes[:, None]).square() / (2 * (NARROW**2 + SIGMA**2))).softmax(0)
    keep = SIGMA**2 / (NARROW**2 + SIGMA**2)
    means = keep * modes[:, None] + (1 - keep) * y
    mean = (near * means).sum(0)
    variance = (near * means.square()).sum(0) - mean.square() + keep * NARROW**2
    x = drawn_by(task, y.float().view(-1, 1, 1, 1))
    assert float((x.mean(0) - mean).square().mean().sqrt()) < 0.03
    assert float(x.var(0).mean() / variance.mean()) == pytest.approx(1, rel=0.3)
    assert float(torch.corrcoef(torch.stack([x.var(0), variance]))[0, 1]) > 0.8


@pytest.mark.slow
def test_the_plain_penalty_takes_the_spread_away(monkeypatch):
    monkeypatch.setattr(adversarial, "mean_penalty", plain_penalty)
    _, spread = learned(Pixels())
    assert spread / POSTERIOR < 0.5


@pytest.mark.slow
def test_a_critic_that_must_lean_pushes_the_mean_away(monkeypatch):
    """As far as it can against the penalty, 1 / (2 lambda), if slopes below 1 cost as well."""

    def two_sided(critic, x, other, y, generator):
        place = torch.rand(len(x), 1, 1, 1, generator=generator)
        between = torch.lerp(other, x, place).requires_grad_()
        (slope,) = torch.autograd.grad(critic(between, y).sum(), between, create_graph=True)
        return (slope.flatten(1).norm(dim=1) - 1).square()

    monkeypatch.setattr(adversarial, "slope_penalty", two_sided)
    off, spread = learned(Pixels())
    assert off == pytest.approx(1 / (2 * Weights().mean), rel=0.2)
    assert spread / POSTERIOR < 0.6


@pytest.mark.slow
def test_without_the_penalty_there_is_no_spread():
    _, spread = learned(Pixels(Weights(mean=0.0)))
    assert spread / POSTERIOR < 0.5


@pytest.mark.parametrize(
    "change", [{"samples": 1}, {"mean": -1.0}, {"slope": 0.0}, {"mean": float("nan")}]
)
def test_weights_that_can_not_be(change):
    with pytest.raises(ip.InputError, match=next(iter(change))):
        Weights(**change)
