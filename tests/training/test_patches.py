"""Photos in memory, and the patches that are cut from them."""

import pytest
import torch
from made_up_photos import PHOTOS, photo
from torch import Generator

from invprob.errors import InputError
from invprob.training.images import luminance
from invprob.training.patches import out_of_focus, squared_steps, store_photos


@pytest.fixture(scope="module")
def pool():
    return store_photos(PHOTOS, 32)


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


def test_the_roughest_of_a_few_is_kept():
    """From one photo with steps of 1 of 255 and another with steps of 6."""
    smooth, rough = (
        torch.arange(40, dtype=torch.uint8).mul(step).view(1, 1, 40).expand(1, 40, 40).contiguous()
        for step in (1, 6)
    )
    pool = store_photos([smooth, rough], 16, scales=(1.0,))
    for tries, share in ((1, 1 / 2), (2, 3 / 4), (4, 15 / 16)):
        patches = pool.patches(2000, 16, 1, Generator().manual_seed(0), tries=tries)
        assert patches.shape == (2000, 1, 16, 16)
        rough = (squared_steps(patches) > (3 / 255) ** 2).double()
        assert float(rough.mean()) == pytest.approx(share, abs=0.03)
    alike = pool.patches(50, 16, 1, Generator().manual_seed(0))
    assert torch.equal(alike, pool.patches(50, 16, 1, Generator().manual_seed(0), tries=1))


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


def test_luminance_of_gray_is_gray():
    gray = torch.rand(1, 4, 4, generator=Generator().manual_seed(0))
    torch.testing.assert_close(luminance(gray.expand(3, -1, -1)), gray)


@pytest.mark.parametrize(("number", "fewer"), [(0, 4), (1, 8), (2, 16), (3, 4)])
def test_patches_out_of_focus(number, fewer):
    """Grain goes, brightness and what changes slowly stay."""
    ramp = torch.linspace(0.3, 0.6, 64).expand(2, 3, 64, 64)
    grain = 0.1 * torch.randn(ramp.shape, generator=Generator().manual_seed(0))
    smooth = out_of_focus(ramp + grain, number)
    assert squared_steps(smooth).max() < 0.05 * squared_steps(grain).min() / fewer
    torch.testing.assert_close(smooth.mean((2, 3)), ramp.mean((2, 3)), atol=5e-3, rtol=0)
    inner = (..., slice(fewer, -fewer))
    torch.testing.assert_close(smooth[inner], ramp[inner], atol=0.4 / fewer, rtol=0)
