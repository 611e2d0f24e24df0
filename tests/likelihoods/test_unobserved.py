"""The likelihood that says nothing."""

import pytest
import torch

import invprob as ip
from invprob.compatibility import accepts
from invprob.contracts import Spectrum


def test_the_posterior_is_the_prior():
    noise = ip.Unobserved()
    x = torch.rand(2, 1, 4, 4, generator=ip.generator(0))
    y, one = torch.zeros_like(x), torch.tensor(1.0)
    assert torch.equal(noise.sample(x, ip.generator(0)), y)
    assert torch.equal(noise.log_prob(y, x), torch.zeros(2))
    assert torch.equal(noise.grad_x(y, x), y)
    assert torch.equal(noise.prox(y, x, one), x)
    assert torch.equal(noise.annealed_score(y, x, 3 * x, one), 3 * x)


def test_a_draw_against_a_gaussian_is_one_from_it():
    v = torch.full((2, 10000), 0.3, dtype=torch.float64)
    rho = torch.tensor([0.1, 2.0], dtype=torch.float64)
    drawn = ip.Unobserved().sample_given(v, v, rho, ip.generator(0))
    torch.testing.assert_close(drawn.std(1), rho, rtol=0.03, atol=0)
    assert bool(((drawn.mean(1) - 0.3).abs() < 4 * rho / 100).all())


def test_every_solver_that_accepts_it_runs():
    prior = ip.GaussianPrior(mean=torch.full((1, 4, 4), 0.4), sd=0.2)
    problem = ip.Problem(prior, ip.Unobserved(), torch.zeros(3, 1, 4, 4))
    solvers = [part.example() for part in ip.catalogue().of_kind("solver")]
    accepting = [s for s in solvers if accepts(s, prior=prior, likelihood=problem.likelihood)]
    assert ip.PriorSampling() in accepting
    for solver in accepting:
        x = ip.solve(problem, solver).x
        assert float(x.mean()) == pytest.approx(0.4, abs=0.1)


def test_a_mask_that_hides_everything_is_sent_here():
    prior = ip.GaussianPrior(mean=torch.full((1, 4, 4), 0.4), sd=0.2)
    hidden = ip.Gaussian(sigma=0.1, operator=ip.Mask(torch.eye(4)))
    nothing = Spectrum(torch.full((1, 4, 4), torch.inf), torch.clone, torch.clone, torch.clone)
    problem = ip.Problem(prior, hidden, torch.zeros(1, 1, 4, 4))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ip.Gaussian, "spectrum", lambda self, shape, /: nothing)
        with pytest.raises(ip.InputError, match="nothing was measured.*Unobserved"):
            ip.solve(problem, ip.DDRM())


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
