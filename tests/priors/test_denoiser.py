"""`DenoiserPrior`: around any denoiser, and the embedded one."""

import pickle

import pytest
import torch
from torch import Generator

from invprob import contracts
from invprob.contracts import Domain
from invprob.errors import InputError
from invprob.networks import stored_denoiser, tiles
from invprob.networks.denoiser import Denoiser
from invprob.priors.denoiser import DenoiserPrior


def shrink(x, sigma):
    """The exact denoiser of x ~ N(0, I)."""
    return x / (1 + sigma.view(-1, 1, 1, 1) ** 2)


def photo(channels=3, size=64, batch=1):
    """Something smooth with edges, in [0, 1]."""
    axis = torch.linspace(0, 1, size)
    waves = torch.stack([torch.sin(4 * axis[:, None] + k + 3 * axis) for k in range(channels)])
    disc = ((axis[:, None] - 0.5) ** 2 + (axis - 0.4) ** 2 < 0.06).float()
    return (0.45 + 0.2 * waves + 0.3 * disc).expand(batch, -1, -1, -1).clone()


def noise(x, seed=0):
    return torch.randn(x.shape, generator=Generator().manual_seed(seed), dtype=x.dtype)


def error(out, x):
    return float((out - x).square().mean().sqrt())


def test_capabilities():
    prior = DenoiserPrior(shrink)
    for capability in (contracts.Denoises, contracts.Scores, contracts.HasDomain):
        assert isinstance(prior, capability)
    assert prior.domain() == Domain()


def test_score_is_the_gradient_of_the_smoothed_log_density():
    x = noise(torch.zeros(2, 1, 4, 4, dtype=torch.float64))
    sigma = torch.tensor([0.3, 2.0])
    expected = -x / (1 + sigma.double().view(-1, 1, 1, 1) ** 2)
    torch.testing.assert_close(DenoiserPrior(shrink).score(x, sigma), expected, rtol=1e-6, atol=0)


@pytest.mark.parametrize("sigma", [0.5, torch.tensor(0.5), torch.tensor([0.5, 0.5])])
def test_forms_of_sigma(sigma):
    x = noise(torch.zeros(2, 1, 4, 4))
    torch.testing.assert_close(DenoiserPrior(shrink).denoise(x, sigma), x / 1.25)


@pytest.mark.parametrize("sigma", [0.0, -0.1, float("nan"), torch.tensor([0.1, 0.0])])
def test_sigma_must_be_positive(sigma):
    with pytest.raises(InputError, match="sigma="):
        DenoiserPrior(shrink).denoise(torch.zeros(2, 1, 4, 4), sigma)


def test_sigma_of_another_shape():
    with pytest.raises(InputError, match=r"\(3,\).*shape \(2,\)"):
        DenoiserPrior(shrink).denoise(torch.zeros(2, 1, 4, 4), torch.ones(3))


@pytest.mark.parametrize(("sigma", "hint"), [(25.0, "sigma / 255"), (0.001, "0.002 to 10")])
def test_sigma_outside_the_domain(sigma, hint):
    with pytest.raises(InputError, match=hint):
        DenoiserPrior.pretrained().score(torch.zeros(1, 1, 8, 8), sigma)


def test_rounding_at_the_end_of_a_schedule_is_no_error():
    DenoiserPrior.pretrained().denoise(torch.zeros(1, 1, 8, 8), 0.002 * (1 - 1e-6))


@pytest.mark.parametrize("shape", [(1, 2, 8, 8), (8, 8), (1, 8, 8, 3)])
def test_channels_outside_the_domain(shape):
    with pytest.raises(InputError, match=r"C in \(1, 3\)"):
        DenoiserPrior.pretrained().denoise(torch.zeros(shape), 0.1)


def test_shape_outside_the_domain():
    prior = DenoiserPrior(shrink, domain=Domain(shape=(1, 4, 4)))
    assert "shape=(1, 4, 4)" in repr(prior)
    with pytest.raises(InputError, match=r"\(B, 1, 4, 4\)"):
        prior.denoise(torch.zeros(1, 1, 8, 8), 0.1)


def test_integers_are_refused():
    with pytest.raises(InputError, match=r"uint8.*float\(\) / 255"):
        DenoiserPrior.pretrained().denoise(torch.zeros(1, 1, 8, 8, dtype=torch.uint8), 0.1)


def test_a_denoiser_has_to_be_callable_and_keep_the_shape():
    with pytest.raises(InputError, match="can't be called"):
        DenoiserPrior("network")
    with pytest.raises(InputError, match="keep the shape"):
        DenoiserPrior(lambda x, sigma: x[..., 1:]).denoise(torch.zeros(1, 1, 4, 4), 0.1)


def test_what_a_denoiser_takes_and_returns_is_explained():
    x = torch.zeros(1, 1, 4, 4)
    with pytest.raises(InputError, match=r"returned numpy.ndarray.*torch.as_tensor\(array\)"):
        DenoiserPrior(lambda x, sigma: x.numpy()).denoise(x, 0.1)
    with pytest.raises(InputError, match=r"returned NoneType"):
        DenoiserPrior(lambda x, sigma: None).denoise(x, 0.1)
    for one in (torch.nn.Conv2d(1, 1, 3, padding=1), lambda x: x):
        with pytest.raises(InputError, match=r"can't be called with \(x, sigma\): .*lambda x, s"):
            DenoiserPrior(one).denoise(x, 0.1)
    with pytest.raises(TypeError, match="unsupported operand"):
        DenoiserPrior(lambda x, sigma: x + None).denoise(x, 0.1)


def test_repr_names_the_denoiser_and_no_weights():
    assert repr(DenoiserPrior(shrink)) == "DenoiserPrior(shrink)"
    told = repr(DenoiserPrior(shrink, tone_free=True))
    assert told == "DenoiserPrior(shrink, tone_free=True)"
    assert repr(DenoiserPrior(torch.nn.Identity())) == "DenoiserPrior(Identity)"
    prior = DenoiserPrior.pretrained(precision="float32")
    assert repr(prior) == "DenoiserPrior.pretrained(precision='float32')"
    assert repr(DenoiserPrior.pretrained(tile=512)) == "DenoiserPrior.pretrained(tile=512)"


def test_tiles_of_the_embedded_network_leave_no_seams():
    axes = torch.linspace(0, 9, 521)[:, None], torch.linspace(0, 7, 189)
    x = (0.5 + 0.3 * torch.sin(axes[0] * axes[1])).expand(1, 1, -1, -1)
    y = x + 0.3 * noise(x)
    assert tiles.is_cut(y, 304)
    for level in (0.3, 0.31, 0.32):  # in three positions
        whole = DenoiserPrior.pretrained("float32", tile=None).denoise(y, level)
        tiled = DenoiserPrior.pretrained("float32", tile=304).denoise(y, level)
        torch.testing.assert_close(tiled, whole, rtol=0, atol=1e-5)


def test_large_images_are_cut_unless_it_is_forbidden(monkeypatch):
    sizes = []
    forward = Denoiser.forward

    def watched(self, x, sigma):
        sizes.append(x.shape[2] * x.shape[3])
        return forward(self, x, sigma)

    monkeypatch.setattr(Denoiser, "forward", watched)
    monkeypatch.setattr(tiles, "TILE", 272)
    x = torch.full((1, 1, 274, 272), 0.5)
    DenoiserPrior.pretrained(multiscale=False).denoise(x, 0.1)
    assert len(sizes) > 1 and max(sizes) <= 272**2
    sizes.clear()
    DenoiserPrior.pretrained(tile=None, multiscale=False).denoise(x, 0.1)
    DenoiserPrior.pretrained(multiscale=False).denoise(x[..., :272, :], 0.1)
    assert len(sizes) == 2 and min(sizes) >= 272**2  # moved by a few pixels, and whole


@pytest.mark.parametrize("tile", [0, -8, 99.5, "big", True])
def test_impossible_tiles(tile):
    with pytest.raises(InputError, match="tile="):
        DenoiserPrior.pretrained(tile=tile)


def test_tiles_too_small_for_the_network():
    prior = DenoiserPrior.pretrained(tile=100)
    with pytest.raises(InputError, match="give 272 or more"):
        prior.denoise(torch.full((1, 1, 200, 200), 0.5), 0.1)


def test_unknown_precision():
    with pytest.raises(InputError, match="'float16'.*'bfloat16'"):
        DenoiserPrior.pretrained(precision="float16")


def test_pickle():
    prior = pickle.loads(pickle.dumps(DenoiserPrior.pretrained()))
    y = photo() + 0.1 * noise(photo())
    assert torch.equal(prior.denoise(y, 0.1), DenoiserPrior.pretrained().denoise(y, 0.1))


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(("sigma", "share"), [(0.01, 0.9), (0.1, 0.4), (0.5, 0.2), (10.0, 0.05)])
def test_the_embedded_network_denoises(channels, sigma, share):
    x = photo(channels)
    out = DenoiserPrior.pretrained().denoise(x + sigma * noise(x), sigma)
    assert error(out, x) < share * sigma


@pytest.mark.parametrize("sigma", [0.002, 0.02, 0.1, 1.0, 10.0])
def test_bfloat16_is_as_good(sigma):
    x = photo()
    y = x + sigma * noise(x)
    exact = error(DenoiserPrior.pretrained(precision="float32").denoise(y, sigma), x)
    fast = error(DenoiserPrior.pretrained(precision="auto").denoise(y, sigma), x)
    assert fast < 1.02 * exact


@pytest.mark.parametrize(("sigma", "share"), [(0.01, 0.03), (0.02, 0.02), (0.1, 0.015)])
def test_bfloat16_hardly_changes_the_score(sigma, share):
    """About as much as the table in `networks.stored_denoiser` says."""
    x = photo()
    y = x + sigma * noise(x)
    exact = DenoiserPrior.pretrained(precision="float32").score(y, sigma)
    fast = DenoiserPrior.pretrained(precision="bfloat16").score(y, sigma)
    assert (fast - exact).norm() < share * exact.norm()


@pytest.mark.parametrize("size", [(1, 1), (1, 5), (13, 2), (9, 17), (33, 40)])
def test_any_size_stays_within_reason(size):
    x = torch.full((1, 3, *size), 0.7)
    out = DenoiserPrior.pretrained().denoise(x, 0.05)
    assert out.shape == x.shape
    assert error(out, x) < 0.05


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.float16, torch.bfloat16])
def test_precision_of_the_image_is_kept(dtype):
    x = photo(1).to(dtype)
    prior = DenoiserPrior.pretrained()
    assert prior.denoise(x, 0.1).dtype == dtype
    assert prior.score(x, 0.1).dtype == dtype


def test_rows_at_both_precisions(monkeypatch):
    monkeypatch.setattr(stored_denoiser, "bfloat16_is_fast", lambda device: True)
    x = photo(1, size=24, batch=4)
    sigma = torch.tensor([0.3, 0.005, 0.1, 0.01])
    y = x + sigma.view(-1, 1, 1, 1) * noise(x)
    prior = DenoiserPrior.pretrained()
    together = prior.denoise(y, sigma)
    for row in range(4):
        alone = prior.denoise(y[row : row + 1], sigma[row])
        assert error(together[row : row + 1], alone) < 0.01 * float(sigma[row])


def test_batches_are_cut(monkeypatch):
    x = photo(1, size=16, batch=5) + 0.1 * noise(photo(1, size=16, batch=5))
    sigma = torch.linspace(0.05, 0.5, 5)
    prior = DenoiserPrior.pretrained(precision="float32")
    whole = prior.denoise(x, sigma)
    monkeypatch.setattr(stored_denoiser, "PIXELS_AT_ONCE", 2 * 16 * 16)
    torch.testing.assert_close(prior.denoise(x, sigma), whole, rtol=1e-4, atol=1e-5)


def test_deterministic():
    y = photo() + 0.2 * noise(photo())
    prior = DenoiserPrior.pretrained()
    assert torch.equal(prior.denoise(y, 0.2), prior.denoise(y, 0.2))


def test_gradient_through_the_image_but_not_into_the_weights():
    y = (photo(1, size=16) + 0.1 * noise(photo(1, size=16))).requires_grad_()
    prior = DenoiserPrior.pretrained(precision="float32")
    direction = noise(y, seed=1)
    (product,) = torch.autograd.grad((prior.denoise(y, 0.1) * direction).sum(), y)
    step = 1e-2 * noise(y, seed=2)
    with torch.no_grad():
        ends = [(prior.denoise(y + sign * step, 0.1) * direction).sum() for sign in (1, -1)]
    assert float((product * step).sum()) == pytest.approx(float(ends[0] - ends[1]) / 2, rel=0.1)


def test_noise_of_the_whole_image_moves_borders_no_more_than_the_middle():
    x = photo(1)
    rows = [x + 0.2 * noise(x, seed) for seed in range(16)]
    out = DenoiserPrior.pretrained().denoise(torch.cat(rows), 0.2)
    spread = out.std(0)[0]
    assert spread[[0, -1]].mean() < 2.5 * spread[8:-8, 8:-8].mean()
