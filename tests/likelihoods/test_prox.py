"""Every prox against its definition: stationary, and no point of a fine grid is better."""

import pytest
import torch
from noise_examples import COLOURED, MIXED, NOISES, PIXELWISE, A, image, measure

import invprob as ip
from invprob.compatibility import lacks
from invprob.contracts import Proximal

GRID = torch.linspace(1e-5, 3, 4001, dtype=torch.float64)


def hard_cases(noise, count=300):
    """y of dark and bright pixels, v far away and near, weak and strong steps."""
    draw = lambda seed: torch.rand(count, 1, generator=ip.generator(seed)).double()  # noqa: E731
    x = 1e-3 + draw(0) ** 3
    y = noise.sample(x, ip.generator(1))
    v = 2.2 * draw(2) - 0.6
    step = 10 ** (5 * draw(3)[:, 0] - 5)
    return y, v, step


def objective(noise, y, x, v, step):
    return 0.5 * (x - v).square() - step * noise.log_density(y, x)


@pytest.mark.parametrize("name", PIXELWISE | MIXED)
def test_no_point_of_a_grid_is_better(name):
    noise = NOISES[name]
    y, v, step = hard_cases(noise, 60 if name in MIXED else 300)
    x = noise.prox(y, v, step)
    assert x.isfinite().all()
    rows = step[:, None]
    pixelwise = noise.noise if isinstance(noise, ip.Mixture) else noise
    least = -pixelwise.b / pixelwise.a if isinstance(pixelwise, ip.SignalDependent) else 0
    grid = least + GRID[None]
    if isinstance(noise, ip.Rayleigh):
        grid = y * (GRID / 3.0001)
    best = objective(noise, y, grid, v, rows).amin(1, keepdim=True)
    inside = x.clamp_min(1e-9) if least == 0 else x
    assert (objective(noise, y, inside, v, rows) <= best + 1e-9 * (1 + best.abs())).all()


@pytest.mark.parametrize("name", PIXELWISE | MIXED)
def test_the_objective_is_stationary(name):
    noise = NOISES[name]
    y, v, step = hard_cases(noise, 60 if name in MIXED else 300)
    x = noise.prox(y, v, step)
    free = (x > 1e-4)[:, 0]
    x, y, v, step = x[free], y[free], v[free], step[free][:, None]
    h = 1e-7 * x
    slope = x - v - step * noise.grad_x(y, x)
    bend = (slope - (x - h - v - step * noise.grad_x(y, x - h))) / h
    # the distance to the root is the slope over the bend
    assert (slope.abs() < 1e-8 * (1 + bend.abs())).all()


def test_the_better_of_two_minima_is_found():
    """A dark y and a bright v: both are minima, and which is lower changes with the step."""
    y = torch.full((200, 1), 0.02, dtype=torch.float64)
    v = torch.full_like(y, 0.4)
    for noise in (ip.Gamma(alpha=500), ip.SignalDependent(a=0.05, b=1e-3)):
        rows = torch.logspace(-5, 0, 200, dtype=torch.float64)
        x = noise.prox(y, v, rows)
        grid = torch.logspace(-3, 0, 20001, dtype=torch.float64)[None]
        best = objective(noise, y, grid, v, rows[:, None]).amin(1, keepdim=True)
        assert (objective(noise, y, x, v, rows[:, None]) <= best + 1e-9).all()
        assert x.min() < 0.05 and x.max() > 0.3  # both basins are visited


def test_rayleigh_noise_wider_than_convex_has_two_minima():
    """Above a scale of 2.77: the prox jumps from one to the other, and draws visit both."""
    noise, y = ip.Rayleigh(scale=8), torch.ones(400, 1, dtype=torch.float64)
    v = torch.linspace(1, 3, 400, dtype=torch.float64)[:, None]
    step = torch.full((400,), 0.2, dtype=torch.float64)
    x = noise.prox(y, v, step)
    grid = torch.linspace(1e-4, 1 - 1e-4, 20001, dtype=torch.float64)[None]
    best = objective(noise, y, grid, v, step[:, None]).amin(1, keepdim=True)
    assert (objective(noise, y, x, v, step[:, None]) <= best + 1e-9).all()
    assert (x[1:] - x[:-1]).max() > 0.3  # a jump, among steps of 0.005
    middle = v[(x[1:] - x[:-1]).argmax()].expand(400, 1)
    draws = noise.sample_given(y, middle, torch.tensor(0.2).double().sqrt(), ip.generator(0))
    assert (draws < 0.2).sum() > 20 and (draws > 0.6).sum() > 20


@pytest.mark.parametrize("scale", [0.003, 0.04])
@pytest.mark.parametrize(
    "noise", [ip.Gamma(26), ip.Gamma(1.5), ip.Rayleigh(3.0), ip.Poisson(51)], ids=repr
)
def test_a_mixture_misses_no_valley_in_the_dark(noise, scale):
    """A bright y and a v at or below black: of two minima, the lower may be narrow."""
    noise = ip.Mixture(noise, scale)
    y = torch.logspace(-3, 0.6, 25, dtype=torch.float64)[:, None]
    v = torch.tensor([-0.3, -0.1, 0.0, 1e-4, 0.05], dtype=torch.float64)
    y, v = y.repeat(1, 5), v.repeat(25, 1)
    for step in (1e-6, 1e-5, 1e-4, 1e-2):
        rows = torch.full((25,), step, dtype=torch.float64)
        at = objective(noise, y, noise.prox(y, v, rows), v, step)
        best = torch.full_like(at, torch.inf)
        for k in range(200):
            best = torch.minimum(best, objective(noise, y, 5 * y * (k / 199) ** 4, v, step))
        assert (at <= best + 1e-9 * (best.abs() + step)).all()


@pytest.mark.parametrize("name", NOISES)
def test_rows_with_their_own_step_and_float32(name):
    noise, x = NOISES[name], image()
    if lack := lacks(noise, Proximal):
        pytest.skip(lack)
    y, v = measure(noise, x), image(4)
    step = torch.tensor([1e-4, 1e-2, 1.0], dtype=torch.float64)
    found = noise.prox(y, v, step)
    for row in range(3):
        one = slice(row, row + 1)
        torch.testing.assert_close(noise.prox(y[one], v[one], step[row]), found[one])
    single = noise.prox(y.float(), v.float(), step.float())
    assert single.dtype == torch.float32
    torch.testing.assert_close(single.double(), found, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", [n for n in NOISES if "filtered" in n])
def test_a_filter_after_the_noise_changes_no_prox(name):
    noise, x, v = NOISES[name], image(), image(4)
    step = torch.tensor(0.01, dtype=torch.float64)
    y = measure(noise, x)
    plain = noise.noise.prox(noise.A.inverse(y), v, step)
    assert torch.equal(noise.prox(y, v, step), plain)
    gradient = x.new_zeros(()) + plain - v - step * noise.grad_x(y, plain)
    assert gradient[plain > 1e-6].abs().max() < 1e-6


def test_coloured_gaussian():
    noise, v = COLOURED["coloured gaussian"], image(4)
    y, step = measure(noise, image()), torch.tensor(0.02, dtype=torch.float64)
    x = noise.prox(y, v, step)
    assert (x - v - step * noise.grad_x(y, x)).abs().max() < 1e-12


@pytest.mark.parametrize("boundary", ["circular", "reflect"])
@pytest.mark.parametrize("step", [1e-5, 1e-3, 1e-2, 0.3])
def test_coloured_signal_dependent(boundary, step):
    """Stationary to the promised tolerance, and no worse than twenty other ways downhill."""
    noise = ip.ColouredSignalDependent(a=0.1, b=0.05, A=ip.CorrelationFilter(boundary))
    y, v = measure(noise, image()), image(4)
    rate = torch.tensor(step, dtype=torch.float64)
    x = noise.prox(y, v, rate)
    slope = x - v - rate * noise.grad_x(y, x)
    assert slope.norm() < 1e-8 * (step * noise.grad_x(y, v)).norm()

    def value(x):
        return 0.5 * (x - v).square().flatten(1).sum(1) - rate * noise.log_prob(y, x)

    slow = ip.iterative_prox(noise, steps=100)
    for seed in range(20):
        start = 0.2 * torch.randn(x.shape, generator=ip.generator(seed), dtype=x.dtype)
        assert (value(x) <= value(x + start)).all()
    assert (value(x) <= value(slow.prox(y, v, rate)) + 1e-9).all()


def test_coloured_signal_dependent_of_impossible_images():
    """v and y below the support, u <= 0, and far outside the unit interval."""
    noise = ip.ColouredSignalDependent(a=0.1, b=0.05, A=A)
    for y, v in ((-2.0, -3.0), (0.5, -3.0), (5.0, 0.5), (-0.6, -0.6)):
        y, v = (torch.full((1, 1, 6, 7), value, dtype=torch.float64) for value in (y, v))
        x = noise.prox(y, v, torch.tensor(0.1))
        assert x.isfinite().all() and noise.log_prob(y, x).isfinite().all()


def test_measurements_outside_the_support_give_numbers():
    y = torch.tensor([[-0.3, -1e-9, 0.0, 1e-30]])
    for noise in [*PIXELWISE.values(), *MIXED.values()]:
        for step in (1e-6, 1e-2, 10.0):
            x = noise.prox(y, torch.full_like(y, -0.1), torch.tensor(step))
            assert x.isfinite().all(), (noise, step)


def test_a_minimum_far_above_the_measurement_is_found():
    """Noise that grows with the image explains a y far below it by a bright image."""
    noise = ip.Mixture(ip.SignalDependent(a=0.6, b=0.03), sigma=0.01, exact=True)
    y, v = torch.tensor([[-1.0]]).double(), torch.tensor([[0.5]]).double()
    x = noise.prox(y, v, torch.tensor(100.0))
    grid = torch.linspace(-0.04, 5, 2001, dtype=torch.float64)[:, None]
    least = objective(noise, y, grid, v, 100.0).min()
    assert objective(noise, y, x, v, 100.0) <= least + 1e-9


def test_scores_that_no_image_has_belong_to_a_bright_one():
    noise, y = ip.Gamma(alpha=3), torch.tensor([[0.5, 0.5]])
    s = torch.tensor([[4.0, 100.0]])  # (alpha - 1) / y, and more
    torch.testing.assert_close(noise.match_score(y, s, y), 1e6 * y)


def test_far_below_black_a_sum_with_white_noise_has_a_finite_density():
    noise = ip.Mixture(ip.Gamma(26), sigma=1e-5, exact=True)
    y, x = torch.tensor([[-1.0]]), torch.tensor([[0.5]])
    wanted = noise.log_density(y.double(), x.double()).float()
    torch.testing.assert_close(noise.log_density(y, x), wanted)


def test_a_dark_prox_of_counts_keeps_its_digits_in_single_precision():
    noise, y, v = ip.Poisson(peak=1000), torch.tensor([[1e-3]]), torch.tensor([[0.5]])
    found, wanted = (noise.prox(y.to(t), v.to(t), torch.tensor(10.0)) for t in (v, v.double()))
    torch.testing.assert_close(found.double(), wanted, rtol=1e-5, atol=0)


def test_a_score_that_belongs_to_no_image_counts_as_the_nearest_that_does():
    noise, y = ip.SignalDependent(a=0.5, b=0.1), torch.tensor([[0.4, 0.4, -1.0]]).double()
    greatest = 0.25 / (0.5 * (0.5 * 0.4 + 0.1))  # of y = 0.4
    s = torch.tensor([[greatest, 3 * greatest, -2.0]]).double()
    x = noise.match_score(y, s, y)
    assert float(x[0, 1]) == pytest.approx(float(x[0, 0]), abs=1e-3)
    assert float(noise.score_y(y, x)[0, 0]) == pytest.approx(greatest, rel=1e-3)
    assert float(x[0, 2]) == noise.least_x()
