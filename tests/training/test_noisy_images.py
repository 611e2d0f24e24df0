"""Noisy images: what is found, what is left out, and what is drawn from them."""

import pytest
import tifffile
import torch

import invprob as ip
from invprob.networks.coordinates import Coordinates, measure
from invprob.training.noisy import Pair, load_noisy, store_noisy

NOISE = ip.Gaussian(0.1)
AS_IT_IS = Coordinates(0.0, (1.0, 0.0, 0.0), 1.0, 1.0)


def ramp(height, width):
    rows, columns = torch.arange(height)[:, None], torch.arange(width)
    return (rows / 32 + columns / 1024)[None]


@pytest.fixture
def folder(tmp_path):
    for name, size in [("a", (40, 32)), ("b", (32, 48)), ("small", (20, 40))]:
        ip.write_image(tmp_path / f"{name}.tif", ramp(*size))
    (tmp_path / "torn.png").write_bytes(b"nonsense")
    return tmp_path


def test_noisy_images_are_taken_as_they_are(folder):
    found = load_noisy([folder], NOISE, 32)
    assert [pair.y.shape for pair in found.pairs] == [(1, 40, 32), (1, 32, 48)]
    assert torch.equal(found.pairs[0].y, ramp(40, 32)) and found.pairs[0].y.max() > 1
    assert found.pairs[0].x is None and found.channels == 1
    assert [reason.split(": ")[0].split("/")[-1] for reason in found.skipped] == [
        "small.tif",
        "torn.png",
    ]


def test_simulated_noise_is_frozen(folder):
    first, again = (load_noisy([folder], NOISE, 32, simulate=3) for _ in range(2))
    other = load_noisy([folder], NOISE, 32, simulate=4)
    for one, two, three in zip(first.pairs, again.pairs, other.pairs, strict=True):
        assert torch.equal(one.y, two.y) and not torch.equal(one.y, three.y)
        assert 0.09 < (one.y - one.x).std() < 0.11


def test_impossible_measurements_are_left_out(folder):
    ip.write_image(folder / "black.tif", torch.zeros(1, 40, 40))
    found = load_noisy([folder / "black.tif", folder / "b.tif"], ip.Poisson(32 * 1024), 32)
    assert len(found.pairs) == 2
    with pytest.raises(ip.InputError, match="black.tif"):
        load_noisy([folder / "black.tif"], ip.Gamma(26), 32)


def test_clipped_noise_is_pointed_out(folder):
    ip.write_image(folder / "clipped.tif", ramp(40, 40).clamp(max=0.99) / 0.99)
    with pytest.warns(ip.NoiseWarning, match="1 of 3 images .* exactly 1"):
        load_noisy([folder], NOISE, 32)


def test_every_page_of_a_stack_is_an_image(folder):
    pages = torch.rand(5, 40, 32, generator=ip.generator(0))
    tifffile.imwrite(folder / "stack.tif", pages.numpy(), photometric="minisblack")
    found = load_noisy([folder / "a.tif", folder / "stack.tif"], NOISE, 32)
    assert torch.equal(torch.cat([pair.y for pair in found.pairs[1:]]), pages)
    pairs = load_noisy([folder / "stack.tif"], NOISE, 32, simulate=0).pairs
    noises = [pair.y - pair.x for pair in pairs]
    assert all(float((noise - noises[0]).std()) > 0.1 for noise in noises[1:])


def test_channels(folder):
    ip.write_image(folder / "colour.tif", ramp(40, 40).expand(3, -1, -1))
    with pytest.raises(ip.InputError, match="--channels"):
        load_noisy([folder], NOISE, 32)
    gray = load_noisy([folder], NOISE, 32, channels=1)
    assert len(gray.pairs) == 2 and any("3 channels" in reason for reason in gray.skipped)
    assert len(load_noisy([folder], NOISE, 32, channels=1, simulate=0).pairs) == 3
    assert load_noisy([folder], NOISE, 32, channels=3).channels == 3


def test_nothing_to_learn_from(tmp_path):
    with pytest.raises(ip.InputError, match="no file ends in"):
        load_noisy([tmp_path], NOISE, 32)
    with pytest.raises(ip.InputError, match="no file or folder"):
        load_noisy([tmp_path / "none"], NOISE, 32)
    ip.write_image(tmp_path / "one.tif", ramp(32, 32))
    with pytest.raises(ip.InputError, match="too few"):
        load_noisy([tmp_path], NOISE, 32).split(20)
    with pytest.raises(ip.InputError, match="only noise"):
        load_noisy([tmp_path], ip.Gaussian(0.1, operator=ip.Downsample(2)), 16, simulate=0)


def test_held_out_images_are_not_learned(folder):
    pairs = tuple(Pair(torch.full((1, 4, 4), float(k)), None) for k in range(7))
    found = load_noisy([folder], NOISE, 32)
    rest, apart = type(found)(pairs, ()).split(3)
    assert [float(pair.y[0, 0, 0]) for pair in rest] == [0, 1, 3, 4, 6]
    assert [float(pair.y[0, 0, 0]) for pair in apart] == [2, 5]


def test_patches_are_windows_turned_and_flipped():
    def numbered(height, width, first):
        rows, columns = torch.arange(height)[:, None], torch.arange(width)
        plane = (first + 32 * rows + columns).float()  # up to 2047: exact in half precision
        return Pair(torch.stack([plane, -plane]), None)

    images = store_noisy([numbered(20, 24, 0), numbered(16, 18, 1024)], AS_IT_IS)
    patches = images.draw(400, 16, ip.generator(0))
    assert patches.shape == (400, 2, 16, 16)
    assert torch.equal(patches[:, 1], -patches[:, 0])
    down, across = (patches[:, 0].diff(dim=axis) for axis in (1, 2))
    steps = torch.stack([down[:, 0, 0], across[:, 0, 0]], 1)
    assert (down == steps[:, 0].view(-1, 1, 1)).all()
    assert (across == steps[:, 1].view(-1, 1, 1)).all()
    kinds = {tuple(step) for step in steps.tolist()}
    assert kinds == {
        (i * a, j * b) for a, b in [(1, 32), (32, 1)] for i in (1, -1) for j in (1, -1)
    }
    from_second = (patches[:, 0].amin((1, 2)) >= 1024).float().mean()
    assert abs(from_second - 3 / (3 + 45)) < 0.04  # 1 x 3 places, against 5 x 9
    assert torch.equal(patches, images.draw(400, 16, ip.generator(0)))
    straight = images.draw(50, 16, ip.generator(0), turns=False)[:, 0]
    assert (straight.diff(dim=1) == 32).all() and (straight.diff(dim=2) == 1).all()


def test_images_are_kept_in_even_coordinates():
    y = ip.Gamma(26).sample(ramp(16, 16)[None] + 0.1, ip.generator(0))
    z = measure(ip.Gamma(26))
    images = store_noisy([Pair(y[0], None)], z)
    torch.testing.assert_close(images.pixels.float(), z.forward(y).flatten(), rtol=1e-3, atol=1e-3)
