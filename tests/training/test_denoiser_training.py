"""Training a denoiser, on a few small made-up photos and a small network."""

import math

import pytest
import torch
from attrs import evolve
from torch import Generator

from invprob.errors import CheckpointError, DivergenceError, InputError
from invprob.networks.denoiser import Architecture, Denoiser
from invprob.networks.stored_denoiser import load_denoiser
from invprob.training.denoising import Denoising, Recipe, report, validate
from invprob.training.images import luminance
from invprob.training.patches import store_photos
from invprob.training.run import Run, begin, schedule, share_used, train

SMALL = Recipe(steps=6, batch=4, patch=16)
ARCHITECTURE = Architecture(widths=(8, 8, 8), before=(1, 1, 1), after=(1, 1))
COLOUR_AT_HALF = (3, 50 / 255)


def photo(channels, height, width, seed):
    rough = torch.rand(channels, height, width, generator=Generator().manual_seed(seed))
    smooth = rough.cumsum(1).cumsum(2)
    return (255 * smooth / smooth.amax((1, 2), keepdim=True)).to(torch.uint8)


PHOTOS = [photo(3, 64, 70, 0), photo(1, 50, 50, 1), photo(3, 80, 40, 2)]
HELD_OUT = [photo(3, 64, 64, 3)]


@pytest.fixture(scope="module")
def pool():
    return store_photos(PHOTOS, 32)


@pytest.fixture
def task(pool):
    return Denoising(SMALL, ARCHITECTURE, pool)


def test_photos_and_their_scales(pool):
    assert (len(pool), pool.full, pool.channels) == (3, 2, 3)
    assert pool.firsts.diff().tolist() == [4, 2, 3]  # colour first; 40 and 50 pixels are few
    start, height, width, apart = pool.table[0].tolist()
    stored = pool.pixels[start : start + 3 * apart].view(3, height, width)
    assert torch.equal(stored, PHOTOS[0])


@pytest.mark.parametrize("turns", [True, False])
@pytest.mark.parametrize("channels", [1, 3])
def test_patches_are_cuts_of_the_photos(channels, turns):
    """Each pixel of this photo says where it is from."""
    places = torch.arange(20 * 12, dtype=torch.uint8).view(1, 20, 12)
    original = places if channels == 1 else torch.cat([places, places // 2, places // 4])
    pool = store_photos([original], 10, scales=(1.0,))
    patches = pool.patches(300, 10, channels, Generator().manual_seed(0), turns)
    cuts = (patches * 255).round().to(torch.uint8)
    assert cuts.shape == (300, channels, 10, 10)
    found = set()
    for cut in cuts:
        turned = [
            torch.rot90(cut, k, (1, 2)).flip(2) if flip else torch.rot90(cut, k, (1, 2))
            for k in range(4)
            for flip in (False, True)
        ]
        for number, way in enumerate(turned if turns else turned[:1]):
            top, left = divmod(int(way[0, 0, 0]), 12)
            if top <= 10 and left <= 2:
                if torch.equal(way, original[:, top : top + 10, left : left + 10]):
                    found.add((number, top, left))
                    break
        else:
            pytest.fail("a patch is no cut of the photo")
    assert len({number for number, _, _ in found}) == (8 if turns else 1)
    assert {top for _, top, _ in found} == set(range(11))
    assert {left for _, _, left in found} == {0, 1, 2}


def test_gray_batches_are_gray_photos_and_luminance():
    colour = torch.tensor([200, 100, 50], dtype=torch.uint8).view(3, 1, 1).expand(3, 20, 20)
    gray = torch.full((1, 20, 20), 77, dtype=torch.uint8)
    pool = store_photos([gray, colour.contiguous()], 16, scales=(1.0,))
    seen = pool.patches(40, 16, 1, Generator().manual_seed(0)).mean((1, 2, 3))
    expected = torch.tensor([77 / 255, float(luminance(colour.double() / 255)[0, 0, 0])])
    assert ((seen[:, None] - expected).abs().min(1).values < 1e-6).all()
    assert len(seen.mul(1000).round().unique()) == 2
    assert torch.equal(
        pool.patches(9, 16, 3, Generator().manual_seed(0)).unique(),
        torch.tensor([50, 100, 200]) / 255,
    )


@pytest.mark.parametrize("channels", [2, 4, 7])
def test_any_channel_count(channels):
    pool = store_photos([photo(channels, 40, 40, 5)], 32)
    architecture = evolve(ARCHITECTURE, channels=(channels,))
    run = Run(Denoising(SMALL, architecture, pool))
    assert math.isfinite(run.advance())
    assert set(validate(run.averaged, [photo(channels, 40, 40, 6)])) > {(channels, 0.4)}


@pytest.mark.parametrize(
    ("photos", "message"),
    [
        ([], "at least 32 x 32 pixels"),
        ([photo(3, 20, 20, 0)], "at least 32 x 32 pixels"),
        ([photo(3, 40, 40, 0), photo(4, 40, 40, 0)], r"\[3, 4\] channels"),
        ([photo(1, 40, 40, 0), photo(4, 40, 40, 0)], r"\[1, 4\] channels"),
    ],
)
def test_photos_that_do_not_go_together(photos, message):
    with pytest.raises(InputError, match=message):
        store_photos(photos, 32)


@pytest.mark.parametrize("scales", [(), (0.5, 2.0), (0.0,)])
def test_impossible_scales(scales):
    with pytest.raises(InputError, match="scales="):
        store_photos(PHOTOS, 32, scales)


def test_a_network_for_channels_that_the_photos_lack(pool):
    with pytest.raises(InputError, match="photos have 3 channels"):
        Denoising(SMALL, evolve(ARCHITECTURE, channels=(4,)), pool)


def test_luminance_of_gray_is_gray():
    gray = torch.rand(1, 4, 4, generator=Generator().manual_seed(0))
    torch.testing.assert_close(luminance(gray.expand(3, -1, -1)), gray)


def test_a_recipe_decides_about_the_levels(task):
    """A new network keeps the image's share of y: little is left to do at weak noise."""
    weak, strong = (
        Run(evolve(task, recipe=evolve(SMALL, centre=centre, spread=0.1))).advance()
        for centre in (0.01, 0.5)
    )
    assert strong > 1.5 * weak


@pytest.mark.parametrize("wrong", [{"centre": 0.0}, {"centre": 25.0}, {"spread": -1.0}])
def test_levels_that_cannot_be(wrong):
    with pytest.raises(InputError, match="centre=.*spread="):
        Recipe(**wrong)


def test_a_deeper_network_begins_as_the_shallower_one(task):
    """And learns: the blocks that were appended change from the first step on."""
    start = Denoiser(ARCHITECTURE)
    with torch.no_grad():
        for parameter in start.parameters():
            parameter.normal_(0, 0.2, generator=Generator().manual_seed(0))
    deeper = evolve(ARCHITECTURE, before=(2, 1, 3), after=(1, 2))
    run = Run(Denoising(SMALL, deeper, task.photos, start))
    y, sigma = torch.rand(2, 3, 24, 16, generator=Generator().manual_seed(1)), torch.tensor(0.1)
    assert torch.equal(run.network(y, sigma), start(y, sigma))
    run.advance()
    assert not torch.allclose(run.network(y, sigma), start(y, sigma), atol=1e-4)
    assert run.network.down_fine[1].second.weight.any()


@pytest.mark.parametrize(
    "other",
    [
        {"before": (1, 0, 1)},
        {"widths": (8, 8, 16), "before": (2, 1, 1)},
        {"channels": (3,)},
    ],
)
def test_weights_of_a_network_that_is_no_shallower_one(task, other):
    with pytest.raises(InputError, match="more blocks can be appended"):
        evolve(task, start=Denoiser(ARCHITECTURE), architecture=evolve(ARCHITECTURE, **other))


def test_schedule():
    assert schedule(0.0, 0) < 0.02
    assert schedule(0.0, 1000) == 1
    assert schedule(1.0, 1000) == pytest.approx(0)
    assert share_used(Recipe(steps=10), 5, 1e9) == 0.5
    assert share_used(Recipe(hours=1), 5, 900) == 0.25


def test_the_same_seed_gives_the_same_losses(task):
    first, second = Run(task), Run(task)
    losses = [first.advance() for _ in range(4)]
    assert [second.advance() for _ in range(4)] == losses
    other = Run(evolve(task, recipe=evolve(SMALL, seed=1)))
    assert [other.advance() for _ in range(4)] != losses


def test_an_interrupted_run_ends_like_an_uninterrupted_one(task, tmp_path):
    whole = Run(task)
    losses = [whole.advance() for _ in range(SMALL.steps)]
    first = Run(task)
    for _ in range(3):
        first.advance()
    first.save(tmp_path / "run.ckpt")
    second = Run(task)
    second.restore(tmp_path / "run.ckpt")
    assert [second.advance() for _ in range(3)] == losses[3:]
    for name, tensor in whole.averaged.state_dict().items():
        assert torch.equal(tensor, second.averaged.state_dict()[name])


def test_training_helps(pool):
    recipe = Recipe(steps=150, batch=8, patch=32, average=0.9)
    run = Run(Denoising(recipe, ARCHITECTURE, pool))
    before = validate(run.averaged, HELD_OUT)[COLOUR_AT_HALF]
    while run.used < 1:
        run.advance()
    assert validate(run.averaged, HELD_OUT)[COLOUR_AT_HALF] > before + 1


def test_a_run_draws_nothing_from_the_global_generator(task):
    before = torch.random.get_rng_state()
    Run(task).advance()
    assert torch.equal(before, torch.random.get_rng_state())


def finish(run, folder, lines):
    out = folder / "out.safetensors"
    train(
        run,
        folder / "run.ckpt",
        0.0,
        lambda losses: report(run, HELD_OUT, out, lines.append, losses),
    )
    return out


def test_reports_and_weights(task, tmp_path):
    lines = []
    run = begin(task, tmp_path / "out.safetensors", tmp_path / "run.ckpt", lines.append)
    out = finish(run, tmp_path, lines)
    assert len([line for line in lines if "held out, C=1 " in line]) == SMALL.steps
    network = load_denoiser(out, lines[-1].split("| ")[1])
    assert network.architecture == ARCHITECTURE
    kept, saved = validate(run.averaged, HELD_OUT), validate(network, HELD_OUT)
    assert saved == pytest.approx(kept, abs=0.05)


@pytest.mark.parametrize(
    ("change", "name"),
    [
        (lambda task: evolve(task, recipe=evolve(SMALL, rate=1e-3)), "rate=.* and not 0.001"),
        (
            lambda task: evolve(task, architecture=evolve(ARCHITECTURE, widths=(8, 8, 16))),
            r"widths=\(8, 8, 8\) and not \(8, 8, 16\)",
        ),
        (lambda task: evolve(task, photos=store_photos(PHOTOS[:2], 32)), "photos=3 .* and not 2"),
    ],
)
def test_resuming_with_other_settings(task, tmp_path, change, name):
    out, checkpoint = tmp_path / "out.safetensors", tmp_path / "run.ckpt"
    finish(begin(task, out, checkpoint, lambda line: None), tmp_path, [])
    before = out.read_bytes(), checkpoint.read_bytes()
    with pytest.raises(CheckpointError, match=name):
        begin(change(task), out, checkpoint, lambda line: None)
    assert (out.read_bytes(), checkpoint.read_bytes()) == before


def test_divergence_keeps_the_last_good_checkpoint(task, tmp_path, monkeypatch):
    out, checkpoint = tmp_path / "out.safetensors", tmp_path / "run.ckpt"
    run = begin(task, out, checkpoint, lambda line: None)
    loss = Denoising.loss

    def broken(self, network, step, generator):
        return loss(self, network, step, generator) * (math.nan if step == 4 else 1)

    monkeypatch.setattr(Denoising, "loss", broken)
    with pytest.raises(DivergenceError, match=r"loss is nan.*step 5.*holds an earlier step"):
        finish(run, tmp_path, [])
    assert all(p.isfinite().all() for p in load_denoiser(out).parameters())
    assert begin(task, out, checkpoint, lambda line: None).step == 4


@pytest.mark.parametrize(
    "change",
    [
        {"rate": 0.0},
        {"adam_rate": math.nan},
        {"batch": 0},
        {"patch": 8},
        {"steps": -1},
        {"hours": 0.0},
        {"average": 1.0},
        {"gray_every": 0},
    ],
)
def test_impossible_recipes(change):
    with pytest.raises(InputError):
        Recipe(**change)
