"""The law of a noise in even coordinates, and its score."""

import math

import pytest
import torch

import invprob as ip
from invprob.networks.coordinates import Coordinates, measure
from invprob.networks.noise_law import fit_law, law_score

LAW = ((0.3, -0.5, 0.2), (0.7, 0.4, 1.5))


def log_density(e, a):
    terms = [
        math.log(w) - 0.5 * torch.log(2 * torch.pi * (v + a**2)) - 0.5 * (e - m) ** 2 / (v + a**2)
        for w, m, v in LAW
    ]
    return torch.stack(terms).logsumexp(0)


@pytest.mark.parametrize("a", [0.0, 0.7])
def test_it_is_the_gradient_of_the_log_density(a):
    e = torch.linspace(-5, 5, 101, dtype=torch.float64, requires_grad=True)
    (exact,) = torch.autograd.grad(log_density(e, torch.tensor(a).double()).sum(), e)
    torch.testing.assert_close(law_score(LAW, e.detach(), a), exact, rtol=1e-10, atol=1e-12)


def test_each_row_has_its_perturbation():
    e = torch.linspace(-2, 2, 12).view(3, 1, 2, 2)
    a = torch.tensor([0.0, 0.5, 2.0]).view(3, 1, 1, 1)
    rows = torch.stack([law_score(LAW, row, float(b)) for row, b in zip(e, a, strict=True)])
    torch.testing.assert_close(law_score(LAW, e, a), rows)


def test_far_out_it_is_finite():
    s = law_score(LAW, torch.tensor([-1e4, 1e4]), 0.0)
    torch.testing.assert_close(s, torch.tensor([(1e4 + 0.4) / 1.5, -(1e4 - 0.4) / 1.5]))


def test_a_fit_has_the_moments_of_the_samples():
    e = -torch.empty(100_000).exponential_(generator=ip.generator(0)).double().log()
    law = fit_law(e)
    mean = sum(w * m for w, m, _ in law)
    assert sum(w for w, _, _ in law) == pytest.approx(1)
    assert mean == pytest.approx(float(e.mean()), abs=0.02)
    variance = sum(w * (v + (m - mean) ** 2) for w, m, v in law)
    assert variance == pytest.approx(float(e.var()), rel=0.02)
    third = sum(w * ((m - mean) ** 3 + 3 * (m - mean) * v) for w, m, v in law)
    assert third == pytest.approx(float((e - e.mean()).pow(3).mean()), rel=0.1)


def even_score(noise, z, y, x):
    """The exact score of z's law, from that of y."""
    t = (y - z.start).clamp_min(0)
    variance = z._variance(t)
    _, c1, c2 = z.variance
    bend = (0.5 * c1 + c2 * t) / variance
    return (noise.score_y(y, x) + bend) * z.unit * variance.sqrt()


@pytest.mark.parametrize(("number", "most"), [(1, 0.01), (3, 0.1), (5, 0.1), (7, 0.1)])
def test_the_law_of_known_noise(number, most):
    """Relative error of ψ at a brightness of 1/2; a Gaussian's is 0.2 for models 3 and 5."""
    noise = ip.xie2023(number)
    z = measure(noise)
    x = torch.full((1, 1, 300, 300), 0.5, dtype=torch.float64)
    y = noise.sample(x, ip.generator(1))
    exact = even_score(noise, z, y, x)
    clean = z.forward(y.mean((2, 3), keepdim=True))
    error = law_score(z.law, z.forward(y) - clean, 0.0) - exact
    assert error.square().mean() < most**2 * exact.square().mean()


def test_coordinates_carry_it():
    z = measure(ip.Gamma(26))
    assert len(z.law) > 1 and Coordinates.from_json(z.to_json()) == z
    assert Coordinates(0.0, (1.0, 0.0, 0.0), 1.0, 0.5).law == ((1.0, 0.0, 0.25),)
    text = '{"start": 0, "variance": [1, 0, 0], "unit": 1, "sigma": 1, "law": [[1, 2]]}'
    with pytest.raises(ip.InputError, match="describes no coordinates"):
        Coordinates.from_json(text)
