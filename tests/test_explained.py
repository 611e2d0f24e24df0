"""Errors of torch in parts that users write: what they are told."""

import pytest
import torch

import invprob as ip


def score(x):
    """Of N(0.5, 0.2²), by autograd."""
    x = x.detach().requires_grad_()
    return torch.autograd.grad((-(x - 0.5).square() / 0.08).sum(), x)[0]


def recorded(x):
    with torch.enable_grad():
        return score(x)


Y = torch.full((1, 3, 8, 8), 0.7)


def denoising(score):
    return ip.DenoiserPrior(lambda x, s: x + s.view(-1, 1, 1, 1).square() * score(x))


@pytest.mark.parametrize(
    ("prior", "solver"),
    [
        (lambda score: ip.MeasuredPrior(score), ip.ScoreEquation()),
        (denoising, ip.PnP()),
        (denoising, ip.Restart()),
    ],
    ids=["score", "denoiser", "sampler"],
)
def test_a_part_that_takes_gradients_is_told_to_record_them(prior, solver):
    problem = ip.Problem(prior(score), ip.Gaussian(sigma=0.1), Y)
    with pytest.raises(ip.InputError, match=r"with torch.enable_grad\(\)"):
        ip.solve(problem, solver)
    x = ip.solve(ip.Problem(prior(recorded), ip.Gaussian(sigma=0.1), Y), solver).x
    assert not x.requires_grad and bool(torch.isfinite(x).all())


class Cuts:
    """A prior that loses a column, or the colours."""

    def __init__(self, cut):
        self.cut = cut

    def denoise(self, x, sigma, /):
        return self.cut(x)

    def __repr__(self):
        return "Cuts()"


@pytest.mark.parametrize(
    ("cut", "shape"),
    [
        (lambda x: x[..., 1:], r"\(1, 3, 4, 3\)"),
        (lambda x: x.mean(1, keepdim=True), r"\(1, 1, 4, 4\)"),
    ],
    ids=["a column", "the colours"],
)
def test_a_prior_that_changes_the_shape_is_named(cut, shape):
    problem = ip.Problem(Cuts(cut), ip.Gaussian(sigma=0.1), torch.full((2, 3, 4, 4), 0.5))
    with pytest.raises(ip.InputError, match=rf"prior Cuts\(\) made {shape} of .*\(1, 3, 4, 4\)"):
        ip.solve(problem)
