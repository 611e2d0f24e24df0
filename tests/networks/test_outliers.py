"""Pixels that no image has are asked for again, in another position."""

import pytest
import torch
import torch.nn.functional as F  # noqa: N812

import invprob as ip
from invprob.networks.outliers import LOOKS, WILD, wild
from invprob.networks.positions import TURNS
from invprob.networks.stored_denoiser import StoredDenoiser


@pytest.fixture
def asked(monkeypatch):
    """A network that answers 5 in one pixel in some positions; how many rows it was asked."""
    rows, bad = [], set()

    def answer(self, x, level, kinds):
        rows.append(len(x))
        out = 0.5 * x
        for row, kind in enumerate(kinds.tolist()):
            out[row, :, 3, 3] = 5.0 if kind // 2 in bad else 0.25
        return out

    monkeypatch.setattr(StoredDenoiser, "_in_ways", answer)
    return rows, bad


def places(denoiser, x, level):
    """The positions in which a row is looked at, the first first."""
    seen = []
    original = StoredDenoiser._in_ways
    with pytest.MonkeyPatch.context() as patch:

        def spy(self, x, level, kinds):
            seen.append(int(kinds[0]) // 2)
            return torch.full_like(x, 5.0)

        patch.setattr(StoredDenoiser, "_in_ways", spy)
        denoiser(x, level)
    assert StoredDenoiser._in_ways is original
    return seen


@pytest.mark.parametrize("turns", [True, False])
def test_a_pixel_that_no_image_has_is_asked_for_again(asked, turns):
    rows, bad = asked
    denoiser = StoredDenoiser(turns=turns, multiscale=False)
    x = torch.full((2, 1, 40, 40), 0.6)
    levels = torch.tensor([0.1, 0.3])
    looks = places(denoiser, x[:1], levels[:1])
    assert len(looks) == len(set(looks)) == LOOKS
    assert turns or {look % TURNS for look in looks} == {0}
    bad.update(looks[:2])
    if not turns:
        levels = torch.tensor([0.1, 0.1])
        x[1, :, 5, 5] = 6.0  # a star: near it 5 may be the answer
    out = denoiser(x, levels)
    assert rows == [2, 1, 1]
    assert float(out[0, 0, 3, 3]) == 0.25
    assert float(out[1, 0, 3, 3]) == (0.25 if turns else 5.0)
    assert bool((out[..., 12:, 12:] == 0.3).all())


def test_one_that_is_wild_in_all_positions_is_cut_off(asked):
    rows, bad = asked
    bad.update(range(512))
    x, sigma = torch.full((1, 1, 40, 40), 0.6), torch.tensor(0.1)
    out = StoredDenoiser(multiscale=False)(x, sigma)
    assert rows == [1] * LOOKS
    assert float(out.max()) == 1.0
    assert float(StoredDenoiser(views=2, multiscale=False)(x, sigma).max()) == 1.0
    assert 0.9 < float(StoredDenoiser()(x, sigma).max()) <= 1.0


def test_no_image_and_no_number_are_no_outliers():
    assert wild(torch.empty(0, 1, 40, 40), torch.empty(0, 1, 40, 40)) is None
    x = torch.full((1, 1, 40, 40), torch.nan)
    assert wild(x, x) is None


def test_smooth_images_stay_between_black_and_white():
    """Told of noise that they do not have, as the steps of plug-and-play methods do."""
    photo = ip.sample_photo()
    prior = ip.DenoiserPrior.pretrained()
    for factor in (2, 4):
        low = F.avg_pool2d(photo[..., :192, :192], factor)
        smooth = F.interpolate(low, scale_factor=factor, mode="bilinear")
        for sigma in (0.05, 0.1, 0.2, 0.4):
            x = prior.denoise(smooth, torch.tensor(sigma))
            assert -WILD <= float(x.min()) and float(x.max()) <= 1 + WILD
