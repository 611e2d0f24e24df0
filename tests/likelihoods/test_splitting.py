"""The prox of a noise behind an operator, against conditions that only the minimum meets."""

import pytest
import torch
from noise_examples import BLUR, PIXELWISE, SHAPE, image, measure

import invprob as ip
from invprob.likelihoods import splitting

STEPS = [1e-4, 1e-2, 1.0]
BOX = ip.CircularBlur.named("uniform3")
TIGHT = {
    "mask": ip.Mask.random(SHAPE, 0.6, seed=1),
    "identity": ip.Identity(),
    "coarse": ip.Downsample(2),
    "gray": ip.Grayscale(),
    "hadamard": ip.Hadamard(8, keep=0.5),
}


def bright(rows=3, seed=0, shape=(1, 8, 8)):
    return 0.05 + 0.9 * torch.rand(rows, *shape, generator=ip.generator(seed)).double()


def objective(noise, y, v, step, x):
    return 0.5 * (x - v).square().flatten(1).sum(1) - step * noise.log_prob(y, x)


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("peak", [0.5, 4, 51, 1000])
def test_counts_of_a_blurred_image_reach_the_one_minimum(peak, step):
    """Karush, Kuhn and Tucker: q = H⁻ᵀ (v - x) / step is f'(u), or at most that where u = 0."""
    noise = ip.Observed(ip.Poisson(peak=peak), BLUR)
    y, v = measure(noise, bright()), bright(seed=4) - 0.2
    x = noise.prox(y, v, torch.tensor(step, dtype=v.dtype))
    assert noise.log_prob(y, x).isfinite().all()
    u, q = BLUR.forward(x), BLUR.inverse_adjoint(v - x) / step
    dark = u < 1e-7
    if peak < 1:
        assert dark.any() and not dark.all()
    slope = peak * (1 - y / u.clamp_min(1e-7))
    assert (y[dark] == 0).all() and (q[dark] <= peak * (1 + 1e-6)).all()
    # errors of x show as H⁻ᵀ e / step in q, those of u as peak y e / u² in the slope
    torch.testing.assert_close(q[~dark], slope[~dark], rtol=1e-6, atol=3e-8 / step + 1e-8 * peak)


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("name", [name for name in PIXELWISE if "poisson" not in name])
def test_others_are_stationary_and_no_walk_downhill_is_lower(name, step):
    noise = ip.Observed(PIXELWISE[name], BOX)
    y, v = measure(noise, bright()), bright(seed=4)
    rate = torch.tensor(step, dtype=v.dtype)
    x = noise.prox(y, v, rate)
    if "steep" not in name:  # its density has needles, in which no walk comes to its end
        slope = x - v - step * noise.grad_x(y, x)
        assert slope.abs().max() < 1e-5 * (step + (x - v).abs().max())
    if "rayleigh" in name:  # convex, so that nothing is lower; and no walk finds its support
        return
    value = objective(noise, y, v, step, x)
    slow = ip.iterative_prox(noise, steps=40).prox(y, v, rate)
    lower = objective(noise, y, v, step, slow)
    assert (value <= lower + 1e-9 * (1 + lower.abs())).all()


@pytest.mark.parametrize("peak", [3, 60])
def test_gaussian_noise_gives_the_closed_form(peak):
    """With a quadratic f the split must end at the linear solution."""

    class White:
        def grad_x(self, y, x, /):
            return peak * (y - x)

        def prox(self, y, v, step, /):
            rate = peak * step.reshape(-1, 1, 1, 1)
            return (v + rate * y) / (1 + rate)

    v, y = bright(), bright(seed=2)
    step = torch.tensor(STEPS).double()
    behind = splitting.Behind(White(), BOX.svd((1, 8, 8)), torch.ones(1, 8, 8).bool(), y)
    x, settled = behind.prox(v, step)
    known = ip.Gaussian(sigma=peak**-0.5, operator=BOX).prox(y, v, step)
    assert settled.all()
    torch.testing.assert_close(x, known, rtol=0, atol=1e-8)


@pytest.mark.parametrize("name", TIGHT)
def test_with_equal_singular_values_nothing_is_iterated(name, monkeypatch):
    monkeypatch.setattr(splitting, "ROUNDS", 0)
    signed = name == "hadamard"  # coefficients may be negative
    noise = ip.SignalDependent(0.01, 1.0) if signed else ip.Gamma(alpha=3)
    noise = ip.Observed(noise, TIGHT[name])
    shape = {"gray": (3, 6, 8), "coarse": (1, 6, 8), "hadamard": (1, 8, 8)}.get(name, SHAPE)
    y, v = measure(noise, bright(shape=shape)), bright(seed=3, shape=shape)
    x = noise.prox(y, v, torch.tensor(0.1, dtype=v.dtype))
    slope = x - v - 0.1 * noise.grad_x(y, x)
    assert slope.abs().max() < 1e-10
    moved = x + 0.3 * (bright(seed=5, shape=shape) - 0.5)
    assert (objective(noise, y, v, 0.1, x) < objective(noise, y, v, 0.1, moved)).all()


def test_rows_do_not_wait_for_each_other():
    noise = ip.Observed(ip.Gamma(alpha=3), BOX)
    y, v = measure(noise, bright()), bright(seed=4)
    step = torch.tensor([1e-5, 1e-2, 1.0], dtype=v.dtype)
    together = noise.prox(y, v, step)
    for row in range(3):
        one = slice(row, row + 1)
        alone = noise.prox(y[one], v[one], step[row])
        torch.testing.assert_close(alone, together[one], rtol=0, atol=1e-9)
    single = noise.prox(y.float(), v.float(), step.float())
    torch.testing.assert_close(single.double(), together, rtol=0, atol=1e-3)


def test_rows_that_do_not_settle_are_finished_downhill(monkeypatch):
    noise = ip.Observed(ip.Rayleigh(scale=0.3), BOX)
    y, v, step = measure(noise, bright()), bright(seed=4), torch.tensor(0.05, dtype=torch.float64)
    full = noise.prox(y, v, step)
    monkeypatch.setattr(splitting, "ROUNDS", 4)
    short = splitting.Behind(noise.noise, BOX.svd((1, 8, 8)), torch.ones(1, 8, 8).bool(), y)
    x, settled = short.prox(v, step.expand(3))
    assert not settled.any() and (x - full).abs().max() > 1e-4
    torch.testing.assert_close(noise.prox(y, v, step), full, rtol=0, atol=1e-7)


def test_what_was_not_measured_stays():
    noise = ip.Observed(ip.Poisson(peak=9), TIGHT["mask"])
    y, v = measure(noise, image()), image(4)
    x = noise.prox(y, v, torch.tensor(0.1, dtype=v.dtype))
    hidden = ~TIGHT["mask"].mask.expand(SHAPE)
    assert torch.equal(x[:, hidden], v[:, hidden]) and (x != v)[:, ~hidden].all()
    assert torch.equal(noise.prox(y, v, torch.zeros((), dtype=v.dtype)), v)


def test_where_no_image_is_possible_the_answer_is_finite():
    """The kernel's sum is 0, so that no image is bright everywhere, and counts are all 0."""
    edges = ip.CircularBlur(torch.tensor([[1.0, -1.0]]))
    noise, v = ip.Observed(ip.Poisson(peak=5), edges), bright(seed=4)
    x = noise.prox(torch.zeros_like(v), v, torch.tensor(0.1, dtype=v.dtype))
    assert x.isfinite().all() and edges.forward(x).min() > -1e-8
    x = noise.prox(torch.ones_like(v), v, torch.tensor(0.1, dtype=v.dtype))
    assert x.isfinite().all()


def test_plug_and_play_restores_counts_of_a_blurred_photo_with_its_defaults():
    x = ip.sample_photo()[..., 64:128, 64:128]
    noise = ip.Observed(ip.Poisson(peak=30), ip.CircularBlur.named("uniform5"))
    y = noise.sample(x, ip.generator(0))
    found = ip.solve(ip.Problem(ip.DenoiserPrior.pretrained(), noise, y))
    assert isinstance(found.solver, ip.PnP)
    assert ip.psnr(found.x, x).item() > ip.psnr(y, x).item() + 7.5
