"""MAP: closed forms, its guards, and what the mode is worth."""

import math

import pytest
import torch
from attrs import evolve, frozen
from gaussians import F64, NOISES, exact, gaussian, measured, rms
from torch import Tensor

import invprob as ip


@pytest.mark.parametrize("name", ["denoising", "little noise", "deblurring"])
def test_the_mode_of_a_gaussian_is_its_mean(name):
    problem = measured(NOISES[name])
    assert rms(ip.solve(problem, ip.MAP()).x - exact(problem)) < 1e-3


@pytest.mark.parametrize("beta", [0.25, 4.0])
def test_beta_scales_the_noise(beta):
    problem = measured(NOISES["denoising"])
    noise = ip.Gaussian(sigma=0.1 / math.sqrt(beta))
    target = exact(ip.Problem(problem.prior, noise, problem.y))
    assert rms(ip.solve(problem, ip.MAP(beta, iterations=800)).x - target) < 1e-3


@pytest.mark.parametrize("y", [0.0, 2 / 30, 1.0])
def test_photon_counts(y):
    """Each pixel by itself: peak (y / x - 1) = (x - 0.5) / 0.2², a quadratic."""
    prior = ip.GaussianPrior(mean=torch.full((1, 2, 2), 0.5, dtype=F64), sd=0.2)
    problem = ip.Problem(prior, ip.Poisson(peak=30.0), torch.full((1, 1, 2, 2), y, dtype=F64))
    half = (0.5 - 0.04 * 30) / 2
    root = half + math.sqrt(half**2 + 0.04 * 30 * y)
    found = ip.solve(problem, ip.MAP()).x
    torch.testing.assert_close(found, torch.full_like(found, root), atol=1e-4, rtol=0)


def mixture() -> ip.GaussianMixturePrior:
    """25 Gaussians over 16 pixels: smooth random means, and little variance around them."""
    random = ip.generator(5)
    means = 0.5 + 0.3 * torch.randn(25, 1, 4, 4, generator=random, dtype=F64)
    return ip.GaussianMixturePrior(torch.ones(25), means, 0.12**2 * torch.eye(16, dtype=F64))


def test_the_mode_is_a_poor_estimate_and_a_larger_beta_a_better_one():
    prior, noise = mixture(), ip.Gaussian(sigma=0.6)
    x = prior.sample((80, 1, 4, 4), ip.generator(0))
    problem = ip.Problem(prior, noise, noise.sample(x, ip.generator(1)))
    mean = prior.denoise(problem.y, torch.tensor(0.6))
    mode, trusting = (ip.solve(problem, ip.MAP(beta)).x for beta in (1.0, 4.0))
    assert rms(mean - x) < 0.95 * rms(mode - x)
    found = problem.likelihood.log_prob(problem.y, mode) + prior.log_prob(mode)
    for other in (x, mean, trusting, problem.y):
        other = problem.likelihood.log_prob(problem.y, other) + prior.log_prob(other)
        assert float((found > other).double().mean()) > 0.9  # it is the mode, but for local optima


def test_with_gaussian_parts_beta_of_one_is_best_and_the_others_cost_what_they_must():
    """Along an axis of variance v it is (1 - k)² v + k² sigma², k = v / (v + sigma² / beta).

    So a better error at beta > 1 is a property of priors with modes, not of the mode's pursuit.
    """
    sigma, betas = 0.1, (0.25, 1.0, 4.0)
    prior, noise = gaussian(), ip.Gaussian(sigma=sigma)
    x = prior.sample((200, 1, 6, 6), ip.generator(0))
    problem = ip.Problem(prior, noise, noise.sample(x, ip.generator(1)))
    variance, found = prior.sd.square(), []
    for beta in betas:
        k = variance / (variance + sigma**2 / beta)
        error = ((1 - k).square() * variance + k.square() * sigma**2).mean().sqrt()
        found.append(rms(ip.solve(problem, ip.MAP(beta)).x - x))
        assert found[-1] == pytest.approx(float(error), rel=0.04)
    assert found[1] == min(found)


@pytest.mark.parametrize("prior", [gaussian(), "mixture"], ids=["gaussian", "mixture"])
def test_a_larger_beta_fits_the_data_better_and_the_prior_worse(prior):
    """True of any two parts, for exact maxima: compare each maximum with the other's objective."""
    prior = mixture() if prior == "mixture" else prior
    x = prior.sample((20, *prior.mean.shape), ip.generator(0))
    noise = ip.Gaussian(sigma=0.2)
    problem = ip.Problem(prior, noise, noise.sample(x, ip.generator(1)))
    fits, likely = [], []
    for beta in (0.5, 1.0, 2.0, 4.0):
        mode = ip.solve(problem, ip.MAP(beta, iterations=800), x0=x).x
        fits.append(float(noise.log_prob(problem.y, mode).mean()))
        likely.append(float(prior.log_prob(mode).mean()))
    assert fits == sorted(fits) and fits[-1] > fits[0] + 1
    assert likely == sorted(likely, reverse=True)


@pytest.mark.parametrize("space", ["image", "latent"])
def test_with_a_glow_the_best_of_all_iterates_is_returned(space):
    prior, noise = ip.catalogue().get("prior", "flow").example(), ip.Gaussian(sigma=0.2)
    y = noise.sample(torch.full((3, 1, 8, 8), 0.5), ip.generator(0))
    problem = ip.Problem(prior, noise, y)
    solver = ip.MAP(iterations=60, learning_rate=0.05, space=space)
    events = list(ip.iterate(problem, solver, x0=torch.zeros_like(y)))

    def objective(x: Tensor) -> Tensor:
        with torch.no_grad():
            return noise.log_prob(y, x) + prior.log_prob(x)

    points = [event.state.point for event in events[:-1]]
    seen = torch.stack([objective(prior.decode(p) if space == "latent" else p) for p in points])
    best = events[-1].estimate()
    torch.testing.assert_close(objective(best), seen.amax(0), rtol=1e-4, atol=1e-2)
    assert bool((objective(best) > seen[0] + 1).all())
    assert bool((seen[-1] >= seen.amax(0) - 0.05 * (seen.amax(0) - seen[0])).all())


@frozen(eq=False)
class Flow:
    """x = sinh(z) / 2 with z ~ N(0, 1) in each pixel: a normalizing flow in closed form."""

    def decode(self, z: Tensor, /) -> Tensor:
        return z.sinh() / 2

    def encode(self, x: Tensor, /) -> tuple[Tensor, Tensor]:
        return (2 * x).asinh(), (math.log(2) - 0.5 * (1 + 4 * x.square()).log()).flatten(1).sum(1)

    def log_prob(self, x: Tensor, /) -> Tensor:
        z, log_det = self.encode(x)
        return log_det - 0.5 * (z.square() + math.log(2 * math.pi)).flatten(1).sum(1)


def test_image_and_latent_space_give_the_same_image():
    y = torch.linspace(-3, 3, 13, dtype=F64)[None]
    problem = ip.Problem(Flow(), ip.Gaussian(sigma=0.4), y)
    image = ip.solve(problem, ip.MAP()).x
    latent = ip.solve(problem, ip.MAP(space="latent")).x
    torch.testing.assert_close(image, latent, atol=1e-4, rtol=0)
    grid = torch.linspace(-4, 4, 80001, dtype=F64)[:, None]
    values = Flow().log_prob(grid) - 0.5 * (y - grid).square().T / 0.4**2
    best = grid[values.argmax(1), 0]
    torch.testing.assert_close(image[0], best, atol=2e-4, rtol=0)


class Cliff:
    """A standard normal whose log density falls off a cliff at 1, with a monstrous gradient."""

    def log_prob(self, x: Tensor, /) -> Tensor:
        return (-0.5 * x.square() - 1e9 * (x - 1).clamp(min=0)).flatten(1).sum(1)


def test_a_cliff_costs_a_few_steps_only():
    y = torch.tensor([[0.9, 1.5, 5.0]], dtype=F64)
    problem = ip.Problem(Cliff(), ip.Gaussian(sigma=0.3), y)
    found = ip.solve(problem, ip.MAP(), x0=torch.full_like(y, 0.2)).x
    target = (y / 1.09).clamp(max=1)
    torch.testing.assert_close(found, target, atol=0.01, rtol=0)


def test_the_best_image_is_returned_and_a_row_that_does_not_improve_stops():
    problem = measured(NOISES["denoising"])
    start = exact(problem)
    solver = ip.MAP(iterations=90, learning_rate=5.0, patience=7)
    events = list(ip.iterate(problem, solver, x0=start))
    last = events[-1]
    assert torch.equal(last.estimate(), start)
    assert last.step == 1 + 7 + 9 * 8  # one finds the start, and one after each return the best
    assert len(events) == 1 + last.step
    assert torch.equal(events[8].state.point, start)  # back at the best
    assert "no better image for 7 steps" in last.finished and "80 of 90" in last.finished
    assert ip.solve(problem, solver, x0=start).stopped == last.finished
    assert not events[-2].finished
    assert torch.equal(solver.step(problem, last.state, None).point, last.state.point)


def test_more_iterations_are_not_worse():
    problem = measured(ip.Gaussian(1e-3, ip.Downsample(2)))
    few, many = (
        rms(ip.solve(problem, ip.MAP(iterations=n, patience=40)).x - exact(problem))
        for n in (400, 1200)
    )
    assert many < 2e-4 and many < few


def test_a_run_that_ended_early_is_saved_and_resumed(tmp_path):
    problem, path = measured(NOISES["denoising"]), tmp_path / "run.ckpt"
    solver = ip.MAP(patience=2, learning_rate=5.0)
    ended = ip.solve(problem, solver, callbacks=[ip.SaveEvery(10**6, path)])
    assert "no better image" in ended.stopped
    resumed = ip.solve(problem, solver, resume=path)
    assert torch.equal(resumed.x, ended.x) and resumed.stopped == ended.stopped
    assert not resumed.history


class Vanishing:
    """y = x n with n uniform in (0, 1): nothing above x can be measured."""

    def sample(self, x: Tensor, generator: torch.Generator, /) -> Tensor:
        return x * torch.rand(x.shape, generator=generator, dtype=x.dtype)

    def log_prob(self, y: Tensor, x: Tensor, /) -> Tensor:
        return torch.where(y < x, -x.log(), -torch.inf).flatten(1).sum(1)

    def grad_x(self, y: Tensor, x: Tensor, /) -> Tensor:
        return -1 / x


def test_an_impossible_start_is_refused():
    problem = ip.Problem(gaussian(), Vanishing(), torch.full((2, 1, 6, 6), 0.5, dtype=F64))
    with pytest.raises(ip.InputError, match="probability 0 .* row 0"):
        ip.solve(problem, ip.MAP())
    found = ip.solve(problem, ip.MAP(), x0=problem.zeros() + 0.9).x
    assert bool(torch.isfinite(problem.likelihood.log_prob(problem.y, found)).all())


def test_what_has_no_latent_and_no_gradient_is_refused():
    problem = measured(NOISES["denoising"])
    with pytest.raises(ip.InputError, match="no latent space"):
        ip.solve(problem, ip.MAP(space="latent"))

    class Opaque:
        def log_prob(self, x: Tensor, /) -> Tensor:
            return x.detach().flatten(1).sum(1)

    with pytest.raises(ip.InputError, match="no gradient"):
        ip.solve(ip.Problem(Opaque(), ip.Gaussian(sigma=0.1), problem.y), ip.MAP())


@pytest.mark.parametrize(
    "bad",
    [
        {"beta": 0.0},
        {"iterations": 0},
        {"learning_rate": math.inf},
        {"space": "pixels"},
        {"patience": 0},
    ],
)
def test_impossible_settings(bad):
    with pytest.raises(ip.InputError, match=next(iter(bad))):
        ip.MAP(**bad)


def smooth() -> ip.GaussianPrior:
    """Images of neighbours so alike that the objective is a narrow ridge."""
    i = torch.arange(8, dtype=F64)
    along = torch.exp(-((i[:, None] - i) ** 2) / 8) + 0.01 * torch.eye(8, dtype=F64)
    return ip.GaussianPrior.from_covariance(
        torch.full((1, 8, 8), 0.5, dtype=F64), 0.04 * torch.kron(along, along)
    )


@pytest.mark.parametrize(("iterations", "there"), [(50, False), (600, True)])
def test_a_run_that_has_not_converged_says_so_and_how_far_it_is(iterations, there):
    """The last step is tiny in both: the rate has fallen to 0."""
    prior, noise = smooth(), ip.Gaussian(sigma=0.05)
    y = noise.sample(prior.sample((1, 1, 8, 8), ip.generator(3)), ip.generator(4))
    result = ip.solve(ip.Problem(prior, noise, y), ip.MAP(iterations=iterations))
    target = prior.posterior(noise, y)
    error = (result.x - target.mean).flatten()
    off = float(torch.linalg.solve(target.covariance(), error) @ error / 64) ** 0.5
    text = str(result)
    assert result.change < 1e-4 and "last change" not in text
    assert ("it has converged" in text) == there == (off < 0.1)
    assert (f"iterations={4 * iterations}" in text) == (not there)
    if not there:
        said = float(text.split("off by about ")[1].split()[0])
        assert 0.5 * off < said < 2 * off


def test_nats_are_half_the_squares_of_deviations():
    """Of 36 pixels that are all off by 0.3, of one row of two."""
    solver = ip.MAP(iterations=2)
    *_, last = ip.iterate(measured(NOISES["denoising"]), solver)
    risen = last.state.halfway + torch.tensor([0.0, 36 * 0.3**2 / 2])
    assert "off by about 0.3 standard" in solver.remark(evolve(last.state, objective=risen))


def test_a_run_that_was_cut_short_has_a_last_change():
    result = ip.solve(measured(NOISES["denoising"]), ip.MAP(), stop=lambda event: event.step == 9)
    assert "last change" in str(result) and "converged" not in str(result)


def test_the_rate_is_by_default_that_of_its_space():
    y = torch.linspace(-3, 3, 12, dtype=F64)[None]
    problem = ip.Problem(Flow(), ip.Gaussian(sigma=0.4), y)
    for space, rate in (("image", 0.02), ("latent", 0.1)):
        first, second = list(ip.iterate(problem, ip.MAP(space=space)))[:2]
        moved = (second.state.point - first.state.point).abs()
        torch.testing.assert_close(moved, torch.full_like(moved, rate), atol=1e-9, rtol=0)


def test_a_run_of_one_step_has_no_second_half():
    prior = ip.GaussianPrior(mean=torch.full((1, 4, 4), 0.5), sd=0.2)
    problem = ip.Problem(prior, ip.Gaussian(0.1), torch.full((1, 1, 4, 4), 0.7))
    said = str(ip.solve(problem, ip.MAP(iterations=1), progress=False))
    assert "second half" not in said and "ran its only step" in said
