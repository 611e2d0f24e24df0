"""Posterior samples by a prior that draws them itself."""

import pytest
import torch

import invprob as ip
from invprob.testing.reference import GaussianImages, WhiteNoise, posterior

NOISE = WhiteNoise(sigma=0.3)


def problem(pixels=64):
    x = GaussianImages().sample((2, 1, pixels, pixels), ip.generator(0))
    return ip.Problem(GaussianImages(noise=0.3), NOISE, NOISE.sample(x, ip.generator(1)))


@pytest.mark.parametrize(("temperature", "average"), [(1.0, 1), (0.5, 1), (1.0, 16), (0.0, 1)])
def test_the_spread_is_what_was_asked_for(temperature, average):
    """Draws of the exact posterior: their variance is that times t² / N."""
    asked = problem()
    mean, deviation = posterior(asked)
    x = ip.solve(asked, ip.PSCGAN(temperature, average)).x
    found = float((x - mean).square().mean().sqrt())
    assert found == pytest.approx(temperature * deviation / average**0.5, rel=0.05, abs=1e-6)


def test_a_sample_depends_on_the_seed_and_its_place_alone():
    asked = problem(8)
    solver = ip.PSCGAN(average=3)
    whole = ip.solve(asked, solver, samples=3, seed=5).samples
    alone = ip.Problem(asked.prior, NOISE, asked.y[:1])
    assert torch.equal(ip.solve(alone, solver, samples=2, seed=5).samples[:, 0], whole[:2, 0])
    assert not torch.equal(ip.solve(asked, solver, samples=3, seed=6).samples, whole)
    assert len({float(x) for x in whole[..., 0, 0, 0].flatten()}) == 6


def test_a_resumed_run_is_the_same(tmp_path):
    asked, path = problem(8), tmp_path / "run.ckpt"
    solver = ip.PSCGAN(average=4)
    whole = ip.solve(asked, solver, samples=2).samples
    stop = lambda event: event.step == 2  # noqa: E731
    ip.solve(asked, solver, samples=2, callbacks=[ip.SaveEvery(1, path)], stop=stop)
    assert torch.equal(ip.solve(asked, solver, samples=2, resume=path).samples, whole)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"temperature": "warm"}, "temperature='warm'"),
        ({"temperature": -1.0}, "temperature=-1"),
        ({"temperature": float("inf")}, "temperature=inf"),
        ({"average": 0}, "average=0"),
        ({"average": 1.5}, "average=1.5"),
    ],
)
def test_what_can_not_be(change, message):
    with pytest.raises(ip.InputError, match=message):
        ip.PSCGAN(**change)


def test_it_takes_no_start():
    asked = problem(8)
    with pytest.raises(ip.InputError, match="leave x0 out"):
        ip.solve(asked, ip.PSCGAN(), x0=asked.y)


def test_what_the_result_says_of_itself():
    """One draw is a sample; the mean of several an estimate. Advice is about the generator."""
    asked = problem(32)
    assert "samples of the posterior give 1" in str(ip.solve(asked, ip.PSCGAN()))
    assert "an estimate fits some of the noise" in str(ip.solve(asked, ip.PSCGAN(average=9)))
    poor = ip.Problem(ip.GeneratorPrior(lambda y, t, g: 0 * y + 3), NOISE, asked.y)
    said = str(ip.solve(poor, ip.PSCGAN()))
    assert "the generator has learned too little" in said and "more calls" not in said


def test_a_generator_of_images_of_another_size_is_refused_in_words():
    noise = ip.Gaussian(sigma=0.1, operator=ip.Downsample(2))
    prior = ip.GeneratorPrior(lambda y, t, g: y)
    problem = ip.Problem(prior, noise, torch.zeros(1, 1, 4, 4))
    with pytest.raises(ip.InputError, match=r"draws images of shape \(1, 4, 4\).*\(1, 8, 8\)"):
        ip.solve(problem, ip.PSCGAN())


def test_a_generator_answers_in_the_shape_of_the_images():
    noise = ip.Gaussian(sigma=0.1, operator=ip.Downsample(2))
    prior = ip.GeneratorPrior(lambda y, t, g: torch.nn.functional.interpolate(y, scale_factor=2))
    problem = ip.Problem(prior, noise, torch.rand(2, 1, 4, 4, generator=ip.generator(0)))
    found = ip.solve(problem, ip.PSCGAN(), samples=3).samples
    assert torch.equal(found[2, :, :, ::2, 1::2], problem.y)


def test_a_generator_that_draws_from_elsewhere_is_refused_once():
    elsewhere = ip.GeneratorPrior(lambda y, t, g: y + t * torch.randn_like(y))
    y = torch.zeros(2, 1, 4, 4)
    with pytest.raises(ip.InputError, match="randn_like"):
        ip.solve(ip.Problem(elsewhere, ip.Gaussian(sigma=1.0), y), ip.PSCGAN())
    calls = []

    def draw(y, t, g):
        calls.append(len(y))
        return y + t * torch.randn(y.shape, generator=g)

    problem = ip.Problem(ip.GeneratorPrior(draw), ip.Gaussian(sigma=1.0), y)
    first, second = (
        ip.solve(problem, ip.PSCGAN(average=2), samples=2, seed=seed).samples for seed in (0, 1)
    )
    assert len(calls) == 2 * (2 * 2 * 2 + 1)
    expected = torch.randn(2, 1, 4, 4, generator=ip.generator(0, 0, 0)).mean(0)
    torch.testing.assert_close(first[0, 0], expected)
    assert not torch.equal(first, second)
