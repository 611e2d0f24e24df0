"""Coarse-to-fine ascent against its own recursion, which a Gaussian prior makes exact."""

import math

import attrs
import pytest
import torch

import invprob as ip
from invprob.compatibility import alternatives

F64 = torch.float64
MEAN, SD, DATUM = 0.4, 0.2, 0.9


def recursion(solver: ip.KadkhodaieSimoncelli, share: float) -> tuple[float, float]:
    """Mean and variance of free pixels at the end, `share` of all pixels being known as DATUM."""
    noise, free, known, offset = solver.sigma_max, solver.sigma_max**2, solver.sigma_max**2, 0.0
    for t in range(1, solver.calls + 1):
        keep = SD**2 / (SD**2 + noise**2)
        sigma = math.sqrt(share * known + (1 - share) * (1 - keep) ** 2 * (free + offset**2))
        if sigma < solver.sigma_min or t == solver.calls:
            break
        h = solver.first_step * t / (1 + solver.first_step * (t - 1))
        gamma2 = sigma**2 * ((1 - solver.beta * h) ** 2 - (1 - h) ** 2)
        shrink = 1 - h * (1 - keep)
        offset, free = shrink * offset, shrink**2 * free + gamma2
        known = (1 - h) ** 2 * known + gamma2
        noise = (1 - solver.beta * h) * sigma
    return MEAN + keep * offset, keep**2 * free


@pytest.mark.parametrize(
    "options", [{}, {"beta": 0.5}, {"calls": 10}, {"beta": 1.0, "first_step": 0.05}]
)
def test_free_pixels_follow_the_recursion(options):
    count, solver = 4000, ip.KadkhodaieSimoncelli(**options)
    mask = torch.tensor([[1, 0, 0, 0]]).T.expand(4, count)
    prior = ip.GaussianPrior(mean=torch.full((4, count), MEAN, dtype=F64), sd=SD)
    noise = ip.Gaussian(sigma=1e-5, operator=ip.Mask(mask))
    x = ip.solve(ip.Problem(prior, noise, DATUM * mask[None].to(F64)), solver).x[0]
    mean, variance = recursion(solver, 0.25)
    assert bool((x[0] == DATUM).all())
    assert abs(float(x[1:].mean()) - mean) < 5 * math.sqrt(variance / (3 * count)) + 1e-12
    assert float(x[1:].var()) == pytest.approx(variance, rel=0.06)


def test_the_constraints_hold_whatever_the_basis():
    operator = ip.CircularBlur(torch.ones(3, 3) / 9)
    noise = ip.Gaussian(sigma=1e-5, operator=operator)
    prior = ip.GaussianPrior(mean=torch.full((1, 7, 7), 0.5, dtype=F64), sd=0.2)
    y = operator.forward(prior.sample((2, 1, 7, 7), ip.generator(0)))
    x = ip.solve(ip.Problem(prior, noise, y), ip.KadkhodaieSimoncelli(calls=30)).x
    torch.testing.assert_close(operator.forward(x), y, atol=1e-9, rtol=0)


def test_noisy_coordinates_are_ignored():
    """A level per pixel: the pixels with more noise than sigma_min keep nothing of y."""
    sigma = torch.tensor([[1e-4, 1.0]], dtype=F64)
    prior = ip.GaussianPrior(mean=torch.full((1, 2), 0.5, dtype=F64), sd=0.1)
    found = [
        ip.solve(ip.Problem(prior, ip.Gaussian(sigma), y), ip.KadkhodaieSimoncelli()).x
        for y in torch.tensor([[[[0.7, 0.1]]], [[[0.7, 3.0]]]], dtype=F64)
    ]
    assert torch.equal(*found) and float(found[0][0, 0, 0]) == 0.7


def test_noisy_data_are_refused():
    prior = ip.GaussianPrior(mean=torch.full((1, 2, 2), 0.5), sd=0.1)
    problem = ip.Problem(prior, ip.Gaussian(sigma=0.1), torch.rand(1, 1, 2, 2))
    with pytest.raises(ip.InputError, match="noise of at least 0.1"):
        ip.solve(problem, ip.KadkhodaieSimoncelli())
    assert "KadkhodaieSimoncelli" not in alternatives(problem)
    exact = ip.Problem(prior, ip.Gaussian(sigma=1e-3), problem.y)
    assert "KadkhodaieSimoncelli" in alternatives(exact, stochastic=True)


def test_a_level_that_the_prior_does_not_know():
    prior = ip.DenoiserPrior(lambda x, sigma: x, ip.Domain(sigma=(0.01, 0.5)))
    problem = ip.Problem(prior, ip.Gaussian(sigma=1e-3), torch.rand(1, 1, 2, 2))
    with pytest.raises(ip.InputError, match="denoises from 0.01 to 0.5"):
        ip.solve(problem, ip.KadkhodaieSimoncelli())


@pytest.mark.parametrize(
    "bad",
    [{"calls": 0}, {"beta": 0.0}, {"first_step": 1.5}, {"sigma_min": 0.0}, {"sigma_max": 0.001}],
)
def test_impossible_settings(bad):
    with pytest.raises(ip.InputError, match=next(iter(bad))):
        ip.KadkhodaieSimoncelli(**bad)


def inpainting():
    prior = ip.GaussianPrior(mean=torch.full((1, 16, 16), 0.5, dtype=F64), sd=0.2)
    noise = ip.Gaussian(sigma=1e-3, operator=ip.Mask.random((16, 16), keep=0.3))
    y = noise.sample(prior.sample((2, 1, 16, 16), ip.generator(0)), ip.generator(1))
    return ip.Problem(prior, noise, y)


def test_a_run_ends_where_the_noise_has_gone_and_with_the_same_image():
    problem, solver = inpainting(), ip.KadkhodaieSimoncelli()
    last = list(ip.iterate(problem, solver))[-1]
    assert "fell below sigma_min=0.01" in last.finished and last.step < 150
    state, streams = last.state, ip.Streams(0, 1, 2)
    for _ in range(5):
        state = solver.step(problem, state, streams)
    assert torch.equal(solver.estimate(state), last.estimate())


def test_a_run_that_has_not_ended_says_so_and_with_how_many_calls_it_would():
    problem = inpainting()
    short = ip.solve(problem, ip.KadkhodaieSimoncelli(calls=30))
    assert "unfinished: a noise of 0." in str(short)
    more = ip.solve(problem, ip.KadkhodaieSimoncelli(calls=int(str(short).split("calls=")[-1])))
    assert "unfinished" not in str(more) and "fell below" in more.stopped


@pytest.mark.parametrize(
    ("factor", "named"),
    [(math.nan, "step 3 of 200, noise level sigma=0.5"), (50.0, "sigma=2;")],
)
def test_a_run_that_diverges_names_the_noise_level(factor, named):
    """The one that the denoiser was told, and never more than it knows."""
    told = []

    def denoise(x, sigma):
        told.append(float(sigma.max()))
        return x * (factor if len(told) > 2 else 0.9)

    problem = attrs.evolve(
        inpainting(), prior=ip.DenoiserPrior(denoise, ip.Domain(sigma=(0.001, 2.0)))
    )
    with pytest.raises(ip.DivergenceError, match=named) as caught:
        ip.solve(problem, ip.KadkhodaieSimoncelli())
    assert f"sigma={told[-1]:.4g};" in str(caught.value)


def test_calls_at_the_least_level_that_is_known_are_no_chain():
    problem = attrs.evolve(
        inpainting(), prior=ip.DenoiserPrior(lambda x, sigma: 0.9 * x, ip.Domain(sigma=(0.5, 2.0)))
    )
    result = ip.solve(problem, ip.KadkhodaieSimoncelli(calls=60), samples=2)
    assert [record.sigma for record in result.history].count(0.5) > 20 and result.mixing is None


def test_data_that_were_taken_for_exact_are_not_complained_of():
    text = str(ip.solve(inpainting(), ip.KadkhodaieSimoncelli()))
    assert "misfit 0.000" in text and "taken for exact" in text
    assert "does not explain" not in text
