"""`invprob solve` without `-l`, as people type it."""

import re

import pytest
import tifffile
import torch

import invprob as ip
from invprob.cli.run import Run
from invprob.cli.unknown_noise import with_noise

SMOOTH = torch.linspace(0.3, 0.7, 64).outer(torch.ones(64))[None, None]


def written(path, noise, x=SMOOTH, *, seed=0, **how):
    y = noise.sample(x, ip.generator(seed))
    ip.write_image(path, y, **how)
    return y


def test_it_is_found_said_and_used(invprob, folder):
    written(folder / "noisy.tif", ip.Gaussian(sigma=0.1), bits=32)
    said = invprob("solve noisy.tif -o clean.tif").stdout
    (text,) = re.findall(r"noise of noisy.tif: (gaussian:sigma=\S+), as found in it", said)
    assert 0.08 < float(text.partition("=")[2]) < 0.12
    again = invprob(f"solve noisy.tif -l {text} -o again.tif").stdout
    assert "as found" not in again
    assert bool((ip.read_image("clean.tif") == ip.read_image("again.tif")).all())


def test_what_a_mask_covers_does_not_count(invprob, folder):
    y = ip.Gaussian(sigma=0.1).sample(SMOOTH, ip.generator(0))
    y[..., 20:30, :] = torch.rand(10, 64, generator=ip.generator(1))
    seen = torch.ones(64, 64)
    seen[20:30] = 0
    ip.write_image(folder / "holes.tif", y, bits=32)
    ip.write_image(folder / "seen.png", seen)
    said = invprob("solve holes.tif -A mask:file=seen.png -o clean.tif").stdout
    (sigma,) = re.findall(r"gaussian:sigma=(\S+), as found", said)
    assert 0.08 < float(sigma) < 0.12
    assert "84.4% of the pixels are measured" in said


def test_photon_counts_are_taken_for_such(invprob, folder):
    written(folder / "counts.tif", ip.Poisson(peak=30), SMOOTH.square(), bits=32)
    assert "poisson:peak=30, as found" in invprob("solve counts.tif -o clean.tif").stdout


def test_black_counts_as_a_little_light_where_there_is_speckle(invprob, folder):
    y = ip.Gamma(alpha=20.0).sample(SMOOTH, ip.generator(0))
    y[..., 0, 0] = 0
    ip.write_image(folder / "radar.png", y)
    said = invprob("solve radar.png -o clean.png").stdout
    assert re.search(r"gamma:alpha=\S+, as found", said)
    assert "black counts as 0.0" in said
    told = invprob("noise radar.png").stdout
    assert re.search(r"try: .* --black -0.5 --white 255 -l gamma:alpha=\S+ -o", told)


@pytest.mark.parametrize("output", ["clean/", "clean.tif"])
def test_each_image_has_its_own(invprob, folder, output):
    pages = [ip.Gaussian(sigma=s).sample(SMOOTH, ip.generator(0))[0, 0] for s in (0.05, 0.1)]
    tifffile.imwrite(folder / "stack.tif", torch.stack(pages).numpy(), photometric="minisblack")
    said = invprob(f"solve stack.tif --page all --white 1 -o {output}").stdout
    found = [float(text) for text in re.findall(r"gaussian:sigma=(\S+), as found", said)]
    assert found == pytest.approx([0.05, 0.1], rel=0.2)


def test_noise_that_no_law_explains_is_not_relied_on(invprob, folder):
    x = torch.linspace(0.05, 0.95, 8).repeat_interleave(8).expand(1, 1, 64, 64)
    y = x + 0.3 * (1 - x) * torch.randn(x.shape, generator=ip.generator(0))
    ip.write_image(folder / "odd.tif", y, bits=32)
    error = invprob("solve odd.tif -o clean.tif", code=2).stderr
    assert "nothing to rely on" in error and "-l gaussian:sigma=" in error
    assert not (folder / "clean.tif").exists()


def test_where_none_can_be_found_it_is_to_be_named(invprob, folder):
    ip.write_image(folder / "clean.tif", SMOOTH[..., :1, :1].expand(1, 1, 64, 64), bits=32)
    for line, why in {
        "solve clean.tif -o out.tif": "no noise",
        "solve gray.png -o out.png": "at least 32 x 32",
    }.items():
        error = invprob(line, code=2).stderr
        assert why in error and "-l gaussian:sigma=25/255" in error


def test_a_prior_that_denoises_nothing_finds_none(folder):
    with pytest.raises(ip.InputError, match="denoises nothing"):
        with_noise(Run(object(), None), folder / "gray.png", None)


def test_the_ends_of_a_file_are_proposed(invprob, folder):
    counts = 60 * written(folder / "y.tif", ip.Poisson(peak=60), SMOOTH.square(), bits=32)
    numbers = counts[0, 0].round().numpy().astype("uint16")
    tifffile.imwrite(folder / "cells.tif", numbers)
    for line in ("noise cells.tif --prior denoiser:size=5", "solve cells.tif -o clean.tif"):
        error = invprob(line, code=2).stderr
        (ends,) = re.findall(r"command line: (--black 0 --white \d+), about", error)
        assert ends == f"--black 0 --white {numbers.max()}"
    said = invprob(f"solve cells.tif {ends} -o clean.tif").stdout
    assert f"poisson:peak={numbers.max()}, as found" in said


def test_noise_that_is_not_white_may_be_more(invprob, folder):
    n = torch.randn(1, 1, 128, 128, generator=ip.generator(0))
    n = torch.nn.functional.avg_pool2d(n, 3, 1, 1)
    ip.write_image(folder / "filtered.tif", SMOOTH.repeat(1, 1, 2, 2) + 0.3 * n, bits=32)
    error = invprob("solve filtered.tif -o clean.tif", code=2).stderr
    (less, more) = re.findall(r"sigma=(\S+), to try it all the same; (\S+) if", error)[0]
    assert float(less) < 0.08 < float(more) < 0.12
