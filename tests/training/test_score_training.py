"""Learning the score of noisy images, held against scores that are known."""

import math

import pytest
import torch
from attrs import evolve

import invprob as ip
from invprob.networks.coordinates import measure
from invprob.networks.score import Architecture
from invprob.networks.stored_score import load_score
from invprob.training.noisy import Pair, store_noisy
from invprob.training.run import Run, begin, train
from invprob.training.score import HeldOut, Recipe, ScoreMatching, report, residual_loss

SIGMA, MEAN, SPREAD, SIDE = 0.2, 0.5, 0.2, 16
NOISE = ip.Gaussian(SIGMA)
SMALL = Recipe(steps=6, batch=8, patch=SIDE)


def flat_images(count, seed):
    """Grey images with noise, whose pixels are normal, and all alike in an image."""
    generator = ip.generator(seed)
    x = MEAN + SPREAD * torch.randn(count, 1, 1, 1, generator=generator)
    x = x.expand(-1, 1, SIDE, SIDE)
    return tuple(map(Pair, NOISE.sample(x, generator), x))


def make(recipe=SMALL, noise=NOISE, count=40, widths=(16, 16, 16)):
    z = measure(noise)
    architecture = Architecture(1, z, widths, (1, 1, 1), (1, 1), repr(noise))
    return ScoreMatching(recipe, architecture, store_noisy(flat_images(count, 0), z))


def held_out(task):
    pairs = flat_images(8, 1)
    images = store_noisy(pairs, task.architecture.coordinates)
    return HeldOut(evolve(task, images=images), NOISE, pairs)


@pytest.fixture
def task():
    return make()


def test_the_exact_score_is_a_stationary_point_of_the_loss():
    """Z ~ N(0, s²): S_a(z) = -z / (s² + a²). Scaling or shifting it makes the loss greater."""
    generator = ip.generator(0)
    s, a = 0.7, 0.4
    z = s * torch.randn(200_000, 1, 1, 1, generator=generator, dtype=torch.float64)
    u = torch.randn(z.shape, generator=generator, dtype=torch.float64)
    scale, shift = torch.ones(2, dtype=torch.float64).requires_grad_()

    def score(z, a):
        return -scale * z / (s**2 + a**2) + shift - 1

    loss = residual_loss(score, z, u, torch.full((len(z),), a, dtype=torch.float64))
    assert float(loss.detach()) == pytest.approx(s**2 / (s**2 + a**2), abs=5e-3)
    for slope in torch.autograd.grad(loss, [scale, shift]):
        assert abs(float(slope)) < 5e-3


def test_pairs_cancel_noise():
    """Of loss / a the gradient's mean shrinks like a: so does its scatter, with pairs."""
    generator = ip.generator(0)
    z = torch.randn(20_000, 1, 1, 1, generator=generator, dtype=torch.float64)
    u = torch.randn(z.shape, generator=generator, dtype=torch.float64)

    def gradients(a):  # of each term over a, with respect to t at 1 in S(z) = -t z
        t = torch.ones(len(z), 1, 1, 1, dtype=torch.float64).requires_grad_()
        both = torch.full((len(z),), a, dtype=torch.float64)
        pairs = residual_loss(lambda z, a: -t.repeat(2, 1, 1, 1) * z, z, u, both)
        alone = (u - a * t * (z + a * u)).square().mean()
        of_pairs, of_lone = (torch.autograd.grad(loss / a, t)[0] for loss in (pairs, alone))
        torch.testing.assert_close(of_pairs.mean(), of_lone.mean(), rtol=0, atol=1e-5)
        return float(of_pairs.std()), float(of_lone.std())

    coarse, fine = gradients(0.5), gradients(0.05)
    assert fine[0] < 0.2 * coarse[0] and fine[1] > 0.9 * coarse[1]


def test_perturbations(task):
    sigma = task.architecture.coordinates.sigma
    a = task.draw_perturbations(1000, ip.generator(0)) / sigma
    assert a.min() >= 0.3 * 0.999 and a.max() <= 1.001 and a.log().mean() < math.log(0.6)
    counts = make(noise=ip.Poisson(51)).architecture.coordinates
    on_lattice = evolve(task, architecture=evolve(task.architecture, coordinates=counts))
    assert on_lattice.draw_perturbations(100, ip.generator(0)).min() >= 0.599 * counts.spacing


def test_the_known_score_is_learned():
    """Pixels that are normal and independent, given their mean: the score is linear."""
    task = make(Recipe(steps=200, batch=16, patch=SIDE, rate=0.01, adam_rate=0.005), count=100)
    run = Run(task)
    while run.used < 1:
        run.advance()
    y = torch.stack([pair.y for pair in flat_images(20, 2)])
    mean = y.mean((1, 2, 3), keepdim=True)
    exact = (mean - y) / SIGMA**2  # but for the mean itself, which 256 pixels give away
    found = ip.MeasuredPrior(run.averaged).measurement_score(y)
    assert (found - exact).square().mean().sqrt() < 0.3 / SIGMA


def test_the_same_seed_gives_the_same_losses():
    curves = [[run.advance() for _ in range(4)] for run in (Run(make()), Run(make()))]
    assert curves[0] == curves[1]
    other = Run(make(evolve(SMALL, seed=1)))
    assert [other.advance() for _ in range(4)] != curves[0]


def test_an_interrupted_run_ends_like_an_uninterrupted_one(task, tmp_path):
    whole = Run(task)
    losses = [whole.advance() for _ in range(SMALL.steps)]
    first = Run(task)
    for _ in range(3):
        first.advance()
    first.save(tmp_path / "run.ckpt")
    second = begin(task, tmp_path / "out.safetensors", tmp_path / "run.ckpt", lambda line: None)
    assert [second.advance() for _ in range(3)] == losses[3:]
    for name, tensor in whole.averaged.state_dict().items():
        assert torch.equal(tensor, second.averaged.state_dict()[name])


def test_a_run_draws_nothing_from_the_global_generator(task):
    before = torch.random.get_rng_state()
    Run(task).advance()
    assert torch.equal(before, torch.random.get_rng_state())


def finish(task, folder, lines):
    out, checkpoint = folder / "out.safetensors", folder / "run.ckpt"
    run = begin(task, out, checkpoint, lines.append)
    apart = held_out(task)
    train(run, checkpoint, 0.0, lambda losses: report(run, apart, out, lines.append, losses))
    return run


def test_reports_and_weights(task, tmp_path):
    lines = []
    run = finish(task, tmp_path, lines)
    reports = [line for line in lines if "held out, denoised to" in line]
    assert len(reports) == SMALL.steps
    stored = load_score(tmp_path / "out.safetensors", reports[-1].split("| ")[1])
    apart = held_out(task)
    assert apart.loss(stored) == pytest.approx(apart.loss(run.averaged), abs=0.01)
    without = HeldOut(apart.task, NOISE, tuple(Pair(pair.y, None) for pair in apart.pairs))
    assert without.decibels(run.averaged) == []


def test_weights_of_another_noise_are_a_beginning(task, tmp_path):
    other = finish(make(noise=ip.Gaussian(0.3)), tmp_path, [])
    begun = evolve(task, start=tmp_path / "out.safetensors")
    for mine, kept in zip(
        Run(begun).network.parameters(), other.averaged.parameters(), strict=True
    ):
        torch.testing.assert_close(mine, kept, rtol=1e-3, atol=1e-6)
    assert begun.settings()["start"] != task.settings()["start"]
    with pytest.raises(ip.WeightsError, match="another network"):
        Run(evolve(begun, architecture=make(widths=(8, 8, 9)).architecture))
    before = begun.settings()
    begun.start.unlink()  # what was read of it counts, whatever becomes of the file
    assert begun.settings() == before


@pytest.mark.parametrize(
    ("change", "name"),
    [
        (lambda: make(evolve(SMALL, least=0.5)), "least=0.3 and not 0.5"),
        (lambda: make(widths=(8, 8, 9)), "widths=.*16, 16.* and not .*8, 8, 9"),
        (lambda: make(count=39), "images=40 .* and not 39"),
        (lambda: make(noise=ip.Gaussian(0.3)), "noise=Gaussian"),
    ],
)
def test_resuming_with_other_settings(task, tmp_path, change, name):
    finish(task, tmp_path, [])
    out, checkpoint = tmp_path / "out.safetensors", tmp_path / "run.ckpt"
    before = out.read_bytes(), checkpoint.read_bytes()
    with pytest.raises(ip.CheckpointError, match=name):
        finish(change(), tmp_path, [])
    assert (out.read_bytes(), checkpoint.read_bytes()) == before


def test_divergence_keeps_the_last_good_checkpoint(task, tmp_path, monkeypatch):
    loss = ScoreMatching.loss

    def broken(self, network, step, generator):
        return loss(self, network, step, generator) * (math.nan if step == 3 else 1)

    monkeypatch.setattr(ScoreMatching, "loss", broken)
    with pytest.raises(ip.DivergenceError, match="after 3 steps; .* holds step 3"):
        finish(task, tmp_path, [])
    kept = Run(task)
    kept.restore(tmp_path / "run.ckpt")
    assert kept.step == 3
    assert all(bool(p.isfinite().all()) for p in kept.network.parameters())


@pytest.mark.parametrize(
    "change",
    [
        {"steps": -1},
        {"steps": 0, "hours": 0.0},
        {"batch": 3},
        {"patch": 8},
        {"least": 0.0},
        {"least": 2.0},
        {"rate": math.nan},
        {"average": 1.0},
    ],
)
def test_recipes_that_can_not_be(change):
    with pytest.raises(ip.InputError, match=next(iter(change))):
        evolve(SMALL, **change)
