"""What is said of hot pixels, and their mask."""

import numpy as np
import pytest
import tifffile
import torch

import invprob as ip


@pytest.fixture
def night(folder):
    """A dark image with twelve white pixels."""
    y = 0.2 + 0.02 * torch.randn(1, 1, 64, 64, generator=ip.generator(0))
    y[..., 5::20, 4::17] = 1
    ip.write_image(folder / "night.png", y)
    return int((y == 1).sum())


def test_noise_counts_them_and_writes_a_mask(invprob, folder, night):
    told = invprob("noise --prior shared night.png").stdout
    assert f"{night} isolated pixels stand out" in told and "--hot mask.png" in told
    told = invprob("noise --prior shared night.png --hot good.png").stdout
    assert f"wrote good.png: {night} isolated pixels (0.29%)" in told and "stand out" not in told
    assert "-A mask:file=good.png" in told and "-l gaussian:sigma=0.0" in told
    mask = ip.read_image(folder / "good.png")
    assert int((mask == 0).sum()) == night and float(mask[0, 0, 5, 4]) == 0
    assert "exists already" in invprob("noise night.png --hot good.png", code=2).stderr
    assert "no known format" in invprob("noise night.png --hot good.xyz", code=2).stderr


def test_solve_says_so_once_and_not_with_a_mask(invprob, folder, night):
    said = f"{night} isolated pixels stand out"
    told = invprob("solve night.png -l gaussian:sigma=0.02 -o x.png").stdout
    assert said in told and "invprob noise night.png --hot mask.png" in told
    invprob("noise --prior shared night.png --hot good.png")
    told = invprob("solve night.png -l gaussian:sigma=0.02 -A mask:file=good.png -o z.png").stdout
    assert "stand out" not in told
    assert said not in invprob("solve night.png -l gamma:alpha=99 -o g.png").stdout
    assert "stand out" not in invprob("solve gray.png -l gaussian:sigma=0.02 -o q.png").stdout


def test_several_images(invprob, folder, night):
    (folder / "many").mkdir()
    (folder / "night.png").rename(folder / "many" / "night.png")
    (folder / "gray.png").rename(folder / "many" / "gray.png")
    told = invprob("solve many/ -l gaussian:sigma=0.02 -o out/").stdout
    assert told.count("stand out") == 1 and "noise many/night.png --hot" in told


def test_a_mask_leaves_out_what_is_missing_as_well(invprob, folder):
    y = (0.2 + 0.02 * torch.randn(64, 64, generator=ip.generator(0))).numpy()
    y[5, 6], y[40, 40] = np.nan, 1
    np.save(folder / "y.npy", y)
    invprob("noise --prior shared y.npy --hot good.png")
    mask = ip.read_image(folder / "good.png")[0, 0]
    assert (mask == 0).nonzero().tolist() == [[5, 6], [40, 40]]


def test_the_mask_is_made_in_the_unit_of_the_run(invprob, folder, night):
    """What stands out is so many levels of what is white."""
    numbers = 300 + 8000 * ip.read_image(folder / "night.png")[0, 0].numpy()
    tifffile.imwrite(folder / "sky.tif", numbers.astype(np.uint16))
    told = invprob("solve sky.tif --black 300 --white 8300 -l gaussian:sigma=0.02 -o x.tif").stdout
    assert "invprob noise sky.tif --black 300 --white 8300 --hot mask.png" in told
