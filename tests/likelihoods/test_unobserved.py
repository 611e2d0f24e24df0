"""The likelihood that says nothing."""

import pytest
import torch

import invprob as ip


def test_the_posterior_is_the_prior():
    noise = ip.Unobserved()
    x = torch.rand(2, 1, 4, 4, generator=ip.generator(0))
    y, one = torch.zeros_like(x), torch.tensor(1.0)
    assert torch.equal(noise.sample(x, ip.generator(0)), y)
    assert torch.equal(noise.log_prob(y, x), torch.zeros(2))
    assert torch.equal(noise.grad_x(y, x), y)
    assert torch.equal(noise.prox(y, x, one), x)
    assert torch.equal(noise.annealed_score(y, x, 3 * x, one), 3 * x)
    spectrum = noise.spectrum((1, 4, 4))
    assert bool(spectrum.sd.isinf().all())
    assert torch.equal(spectrum.v(spectrum.vt(x)), x) and torch.equal(spectrum.observe(y), y)


def test_a_draw_against_a_gaussian_is_one_from_it():
    v = torch.full((2, 10000), 0.3, dtype=torch.float64)
    rho = torch.tensor([0.1, 2.0], dtype=torch.float64)
    drawn = ip.Unobserved().sample_given(v, v, rho, ip.generator(0))
    torch.testing.assert_close(drawn.std(1), rho, rtol=0.03, atol=0)
    assert bool(((drawn.mean(1) - 0.3).abs() < 4 * rho / 100).all())


def test_solvers_take_it_for_no_data():
    prior = ip.GaussianPrior(mean=torch.full((1, 4, 4), 0.4), sd=0.2)
    problem = ip.Problem(prior, ip.Unobserved(), torch.zeros(1, 1, 4, 4))
    for solver in (ip.ADMM(sigma=0.2), ip.MAP(), ip.REDFixedPoint(sigma=0.2)):
        torch.testing.assert_close(
            ip.solve(problem, solver).x, torch.full((1, 1, 4, 4), 0.4), atol=2e-3, rtol=0
        )


def test_a_measurement_is_refused():
    prior = ip.GaussianPrior(mean=torch.full((1, 4, 4), 0.4), sd=0.2)
    with pytest.raises(ip.InputError, match="would ignore"):
        ip.Problem(prior, ip.Unobserved(), torch.full((1, 1, 4, 4), 0.1))
