"""The training script, on a few small made-up photos and a small network."""

import pytest
import torch
from torch import Generator

from invprob.errors import InputError
from invprob.images import write_image
from invprob.networks.denoiser import SIGMA_RANGE
from invprob.training.denoiser import main, validate
from invprob.training.denoising import Denoising, Recipe
from invprob.training.levels import draw_levels, expected_error
from invprob.training.patches import load_photos, luminance
from invprob.training.run import Run, schedule, share_used

SMALL = Recipe(steps=6, batch=4, patch=32, widths=(8, 8, 8))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("photos")
    generator = Generator().manual_seed(0)
    for name, size in [("a", (64, 70)), ("b", (80, 40)), ("gray", (50, 50)), ("d", (64, 64))]:
        rough = torch.rand(size, generator=generator).cumsum(0).cumsum(1)
        smooth = (255 * rough / rough.max()).to(torch.uint8)
        pixels = smooth.expand(1 if name == "gray" else 3, *size)
        write_image(folder / f"{name}.png", pixels[None].float() / 255)
    return folder


@pytest.fixture(scope="module")
def photos(folder):
    return load_photos([folder], 32, ["d.png"])


def test_photos(photos):
    pool, apart = photos
    assert [len(scales) for scales in pool.colour] == [4, 2]  # the second is 40 pixels wide
    assert len(pool.gray) == 1
    assert list(apart) == ["d.png"] and apart["d.png"].max() <= 1


def test_patches(photos):
    pool, _ = photos
    for channels in (1, 3):
        patches = pool.patches(5, 32, channels, Generator().manual_seed(0))
        assert patches.shape == (5, channels, 32, 32)
        assert patches.min() >= 0 and patches.max() <= 1
    again = pool.patches(5, 32, 3, Generator().manual_seed(0))
    assert torch.equal(patches, again)


def test_missing_photos(folder, tmp_path):
    with pytest.raises(InputError, match="0 colour"):
        load_photos([tmp_path], 32)
    with pytest.raises(InputError, match="nothing.png"):
        load_photos([folder], 32, ["nothing.png"])


def test_luminance_of_gray_is_gray():
    gray = torch.rand(1, 4, 4, generator=Generator().manual_seed(0))
    torch.testing.assert_close(luminance(gray.expand(3, -1, -1)), gray)


def test_levels_cover_the_range():
    levels = draw_levels(4000, Generator().manual_seed(0))
    assert levels.min() >= SIGMA_RANGE[0] and levels.max() <= SIGMA_RANGE[1]
    assert 0.75 < ((levels > 0.01) & (levels < 1)).float().mean() < 0.95
    assert (levels > 3).any() and (levels < 0.005).any()


def test_expected_error_grows_and_stays_below_the_noise():
    sigma = torch.logspace(-3, 1, 50)
    error = expected_error(sigma)
    assert (error.diff() > 0).all() and (error < sigma).all()


def test_schedule():
    assert schedule(0.0, 0) < 0.02
    assert schedule(0.0, 1000) == 1
    assert schedule(1.0, 1000) == pytest.approx(0)
    assert share_used(Recipe(steps=10), 5, 1e9) == 0.5
    assert share_used(Recipe(hours=1), 5, 900) == 0.25


def test_an_interrupted_run_ends_like_an_uninterrupted_one(photos, tmp_path):
    whole = Run(Denoising(SMALL, photos[0]))
    losses = [whole.advance() for _ in range(SMALL.steps)]
    first = Run(Denoising(SMALL, photos[0]))
    for _ in range(3):
        first.advance()
    first.save(tmp_path / "run.ckpt")
    second = Run(Denoising(SMALL, photos[0]))
    second.restore(tmp_path / "run.ckpt")
    assert [second.advance() for _ in range(3)] == losses[3:]
    for name, tensor in whole.averaged.state_dict().items():
        assert torch.equal(tensor, second.averaged.state_dict()[name])


def test_training_helps(photos):
    recipe = Recipe(steps=150, batch=8, patch=32, widths=(8, 8, 8), average=0.9)
    run = Run(Denoising(recipe, photos[0]))
    x = list(photos[1].values())
    before = validate(run.averaged, x)["colour 0.196"]
    while run.used < 1:
        run.advance()
    assert validate(run.averaged, x)["colour 0.196"] > before + 1


def test_a_run_draws_nothing_from_the_global_generator(photos):
    before = torch.random.get_rng_state()
    Run(Denoising(SMALL, photos[0])).advance()
    assert torch.equal(before, torch.random.get_rng_state())


def test_command_line(folder, tmp_path, capsys):
    out = tmp_path / "weights.safetensors"
    command = f"--images {folder} --out {out} --steps 1 --batch 1 --patch 32 --held-out d.png"
    main(command.split())
    assert out.exists() and out.with_suffix(".ckpt").exists()
    assert "step 1" in capsys.readouterr().out
