"""Adapting a denoiser to one noisy image."""

import pytest
import torch
from torch import Generator, nn

from invprob.diagnostics.metrics import psnr
from invprob.errors import InputError, WeightsError
from invprob.networks.denoiser import Architecture, Denoiser
from invprob.networks.stored_denoiser import GRAY, StoredDenoiser
from invprob.priors.denoiser import DenoiserPrior
from invprob.training import adapting
from invprob.training.adapting import adapt

SIGMA = 0.2


class Shrink(nn.Module):
    """1/2 + gain (x - 1/2): for x ~ N(1/2, s²), the best gain is s² / (s² + sigma²)."""

    def __init__(self, spread):
        super().__init__()
        self.log_variance = nn.Parameter(torch.tensor(2.0 * spread).log())

    def forward(self, x, sigma):
        variance = self.log_variance.exp()
        return 0.5 + (x - 0.5) * (variance / (variance + sigma.view(-1, 1, 1, 1).square()))


def tiles(side=96, channels=1):
    """Something that no photo looks like."""
    tile = (torch.rand(6, 6, generator=Generator().manual_seed(0)) < 0.5).float()
    many = -(-side // 6)
    return tile.repeat(many, many)[:side, :side].expand(1, channels, side, side).clone()


def noisy(x, seed=0):
    return x + SIGMA * torch.randn(x.shape, generator=Generator().manual_seed(seed))


def run(prior, y, **options):
    return adapt(prior, y, SIGMA, progress=False, **options)


@pytest.fixture(scope="module")
def adapted():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(adapting, "BATCH", 4)
        return run(DenoiserPrior.pretrained(), noisy(tiles()), steps=60)


def test_the_embedded_network_learns_what_an_image_is_like(adapted):
    x, original = tiles(), DenoiserPrior.load(GRAY.path)  # in the position in which it learns
    assert adapted.improved and adapted.step in (20, 40, 60)
    before = psnr(original.denoise(noisy(x), SIGMA), x).item()
    after = psnr(adapted.prior.denoise(noisy(x), SIGMA), x).item()
    assert after > before + 1
    assert psnr(adapted.prior.denoise(noisy(x, 1), SIGMA), x).item() > before + 1
    assert adapted.history[0] == pytest.approx(before, abs=1)
    assert adapted.history[adapted.step] == pytest.approx(after, abs=1)


def test_what_an_adapted_prior_is(adapted, tmp_path):
    assert adapted.prior.domain() == DenoiserPrior.load(GRAY.path).domain()
    assert not any(p.requires_grad for p in adapted.prior.denoiser.parameters())
    adapted.save(tmp_path / "own.safetensors")
    loaded = DenoiserPrior.load(tmp_path / "own.safetensors", precision="float32")
    y = noisy(tiles())
    expected = adapted.prior.denoise(y, SIGMA)
    torch.testing.assert_close(loaded.denoise(y, SIGMA), expected, rtol=0, atol=5e-3)
    with pytest.raises(WeightsError, match="no Glow"):
        from invprob.priors.flow import FlowPrior

        FlowPrior.load(tmp_path / "own.safetensors").domain()


def test_the_original_is_untouched_and_the_same_seed_gives_the_same_result():
    y = noisy(0.5 + 0.05 * (tiles(64) - 0.5))
    prior = DenoiserPrior(Shrink(0.5))
    before = prior.denoise(y, SIGMA)
    found = [run(prior, y, steps=40, rate=0.1, seed=3) for _ in range(2)]
    assert torch.equal(prior.denoise(y, SIGMA), before)
    assert found[0].history == found[1].history and found[0].improved
    assert torch.equal(*(one.prior.denoise(y, SIGMA) for one in found))
    assert not torch.equal(found[0].prior.denoise(y, SIGMA), before)


def test_what_can_be_learned_is_learned():
    """White noise of known spread: the gain that it needs is known, too."""
    spread = 0.1
    x = 0.5 + spread * torch.randn(1, 1, 256, 256, generator=Generator().manual_seed(5))
    found = run(DenoiserPrior(Shrink(0.4)), noisy(x), steps=300, rate=0.05)
    learned = found.prior.denoiser.log_variance.exp().sqrt().item()
    assert found.improved and abs(learned - spread) < 0.2 * abs(0.4**0.5 - spread)


def test_nothing_to_gain_leaves_the_prior_as_it_is():
    x = 0.5 + 0.1 * torch.randn(1, 1, 128, 128, generator=Generator().manual_seed(5))
    best = Shrink(0.5)
    best.log_variance.data.fill_(2 * torch.tensor(0.1).log())
    prior = DenoiserPrior(best)
    with pytest.warns(UserWarning, match="no clear improvement.*stays as it was"):
        found = run(prior, noisy(x), steps=60, rate=0.02)
    assert found.prior is prior and not found.improved and found.step == 0
    with pytest.raises(InputError, match="no adapted network"):
        found.save("nothing.safetensors")


def test_a_rate_that_is_far_too_high_does_no_harm():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        prior = DenoiserPrior(Denoiser(Architecture((1,), (8, 8, 8), (1, 1, 1), (1, 1))))
    with pytest.warns(UserWarning, match="no clear improvement"):
        assert run(prior, noisy(tiles(64)), steps=40, rate=1e12).prior is prior


def test_a_loss_that_is_not_finite_is_never_learned(monkeypatch):
    class Overflowing(Shrink):
        def forward(self, x, sigma):
            out = super().forward(x, sigma)
            return out * torch.inf if self.log_variance.requires_grad else out

    prior = DenoiserPrior(Overflowing(0.5).requires_grad_(False))
    with pytest.warns(UserWarning, match="no clear improvement.*not finite at step 1, so give a"):
        assert run(prior, noisy(tiles(64))).prior is prior


@pytest.mark.parametrize(("clear", "said"), [(1e6, True), (3.0, False)])
def test_a_gain_that_may_be_chance_is_called_so(monkeypatch, recwarn, clear, said):
    monkeypatch.setattr(adapting, "CLEAR", clear)
    y = noisy(0.5 + 0.05 * (tiles(64) - 0.5))
    found = run(DenoiserPrior(Shrink(0.5)), y, steps=40, rate=0.1)
    assert found.improved != said
    assert any("may differ as much by chance" in str(one.message) for one in recwarn) == said


def test_it_ends_when_it_gets_no_better(monkeypatch):
    monkeypatch.setattr(adapting, "PAUSE", 2)
    x = 0.5 + 0.1 * torch.randn(1, 1, 128, 128, generator=Generator().manual_seed(5))
    found = run(DenoiserPrior(Shrink(0.5)), noisy(x), steps=2000, rate=0.2)
    assert max(found.history) < 2000
    assert max(found.history) - found.step == adapting.PATIENCE * 2


def test_any_channel_count_and_precision():
    y = noisy(tiles(72, channels=4)).double()
    found = run(DenoiserPrior(Shrink(2.0).double()), y, steps=40, rate=0.1)
    assert found.prior.denoise(y, SIGMA).dtype == torch.float64


@pytest.mark.parametrize(
    ("prior", "y", "options", "message"),
    [
        (DenoiserPrior(lambda x, sigma: x), noisy(tiles(64)), {}, "no network in it"),
        (DenoiserPrior.pretrained(), noisy(tiles(40)), {}, "less than 64 x 64"),
        (DenoiserPrior.pretrained(), torch.zeros(1, 2, 64, 64), {}, "C in"),
        (DenoiserPrior.pretrained(), tiles(64) / 0, {}, "not finite; fill them in"),
        (DenoiserPrior.pretrained(), noisy(tiles(64)), {"steps": 0}, "steps=0"),
        (DenoiserPrior.pretrained(), noisy(tiles(64)), {"rate": -1.0}, "rate=-1"),
    ],
)
def test_what_can_not_be(prior, y, options, message):
    with pytest.raises(InputError, match=message):
        run(prior, y, **options)


@pytest.mark.parametrize("sigma", [0.0, -1.0, float("nan"), 25.0])
def test_impossible_noise_levels(sigma):
    with pytest.raises(InputError, match="sigma="):
        adapt(DenoiserPrior.pretrained(), noisy(tiles(64)), sigma)


def test_it_has_to_beat_all_that_the_prior_does(monkeypatch):
    """Not its network alone; here one whose answer is as good as known."""
    known = tiles() + 0.05

    def answer(self, x, sigma):
        return known[..., : x.shape[2], : x.shape[3]]

    monkeypatch.setattr(StoredDenoiser, "__call__", answer)
    with pytest.warns(UserWarning, match="no clear improvement"):
        found = run(DenoiserPrior.pretrained(), noisy(tiles()), steps=20)
    assert not found.improved and found.history[0] > found.history[20] + 1


def test_an_adapted_network_takes_the_tones_that_it_took():
    for free in (True, False):
        prior = DenoiserPrior(Shrink(0.5), tone_free=free)
        found = run(prior, noisy(0.5 + 0.05 * (tiles(64) - 0.5)), steps=40, rate=0.1)
        assert found.improved and found.prior.tone_free() == free
