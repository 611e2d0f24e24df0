"""Score networks, and their files."""

import math
import pickle

import pytest
import torch
from attrs import evolve

import invprob as ip
from invprob.cli.specs import make
from invprob.fingerprint import fingerprint
from invprob.networks import tiles
from invprob.networks.coordinates import measure
from invprob.networks.denoiser import Denoiser
from invprob.networks.glow import Architecture as GlowArchitecture
from invprob.networks.glow import Glow
from invprob.networks.noise_law import law_score
from invprob.networks.score import Architecture, ScoreNetwork
from invprob.networks.stored_glow import load_glow, write_glow
from invprob.networks.stored_score import FILE, StoredScore, load_score, write_score
from invprob.networks.weights_file import write_weights

NOISE = ip.Gamma(26)
SMALL = Architecture(1, measure(NOISE), (8, 8, 8), noise=repr(NOISE))


@pytest.fixture
def network():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = ScoreNetwork(SMALL)
        with torch.no_grad():
            for parameter in network.parameters():
                parameter.add_(0.05 * torch.randn(parameter.shape))
                parameter.copy_(parameter.half().float())  # what a file keeps
    return network.requires_grad_(False)


@pytest.fixture
def written(network, tmp_path):
    path = tmp_path / "score.safetensors"
    return path, write_score(network, path)


def measurement(rows=2, side=24):
    x = torch.full((rows, 1, side, side), 0.5)
    return NOISE.sample(x, ip.generator(0))


def test_a_score_is_what_its_coordinates_make_of_it(network):
    y = measurement()
    z = SMALL.coordinates
    s = network.perturbed(z.forward(y), 0.0)
    assert torch.equal(network(y), z.score(y, s))


def test_a_perturbation_changes_the_score_as_the_law_says(network):
    """Whatever the noise: the same denoiser D, at z + a u."""
    y = measurement()
    z = SMALL.coordinates
    even = z.forward(y)
    for a in (0.0, z.sigma):
        s = network.perturbed(even, a)
        told = torch.tensor(z.sigma * math.sqrt(1.5))
        clean = network.denoiser(even, told)
        torch.testing.assert_close(s, law_score(z.law, even - clean, a))
    gaussian = evolve(SMALL, coordinates=evolve(z, law=((1.0, 0.0, z.sigma**2),)))
    network.architecture = gaussian
    whole, half = (network.perturbed(even, a) for a in (0.0, z.sigma))
    torch.testing.assert_close(2 * half, whole)  # twice the variance


def test_round_trip(network, written):
    path, digest = written
    loaded = load_score(path, digest)
    assert loaded.architecture == SMALL
    assert not any(parameter.requires_grad for parameter in loaded.parameters())
    assert torch.equal(loaded(measurement()), network(measurement()))


def test_a_stored_score_is_that_score(network, written, monkeypatch):
    stored = StoredScore(*written)
    y = measurement(3)
    torch.testing.assert_close(stored(y), network(y))
    monkeypatch.setattr("invprob.networks.stored_score.PIXELS_AT_ONCE", y[:1].numel())
    torch.testing.assert_close(stored(y), network(y), rtol=1e-4, atol=1e-4)
    assert stored.domain().channels == (1,)
    assert torch.equal(pickle.loads(pickle.dumps(stored))(y), stored(y))


@pytest.mark.parametrize("noise", [NOISE, ip.Correlated(NOISE, ip.CorrelationFilter())])
def test_tiles_change_nothing(network, noise, tmp_path):
    """Nor do they with a filter, which sees the whole image."""
    network.architecture = evolve(SMALL, coordinates=measure(noise))
    path = tmp_path / "score.safetensors"
    write_score(network, path)
    y = noise.sample(
        0.2 + 0.6 * torch.rand(2, 1, 230, 208, generator=ip.generator(1)), ip.generator(2)
    )
    whole = StoredScore(path, tile=None)(y.double())
    tiled = StoredScore(path, tile=200)(y.double())
    torch.testing.assert_close(tiled, whole, rtol=0, atol=1e-9 * float(whole.abs().max()))


def test_a_large_image_is_never_seen_at_once(written, monkeypatch):
    seen = []
    forward = Denoiser.forward

    def watched(self, x, sigma):
        seen.append(x.shape[2] * x.shape[3])
        return forward(self, x, sigma)

    monkeypatch.setattr(Denoiser, "forward", watched)
    monkeypatch.setattr(tiles, "TILE", 208)
    y = measurement(1, 230)
    ip.MeasuredPrior.load(written[0]).measurement_score(y)
    assert len(seen) > 1 and max(seen) <= 208**2
    seen.clear()
    ip.MeasuredPrior.load(written[0], tile=None).measurement_score(y)
    assert seen == [230**2]


def test_tiles_that_can_not_be(written):
    with pytest.raises(ip.InputError, match="tile=0: give the side"):
        ip.MeasuredPrior.load(written[0], tile=0)
    with pytest.raises(ip.InputError, match="tile=20: each tile needs a margin"):
        ip.MeasuredPrior.load(written[0], tile=20).measurement_score(measurement())
    prior = make("prior", f"measured:file={written[0]},tile=512")
    assert repr(prior).endswith("tile=512)")


def test_precision_is_kept(written):
    stored, y = StoredScore(*written), measurement(1)
    assert stored(y.double()).dtype == torch.float64
    torch.testing.assert_close(stored(y.double()).float(), stored(y), rtol=1e-3, atol=1e-2)
    assert stored(y.bfloat16()).dtype == torch.bfloat16


def test_a_prior_from_a_file(network, written):
    path, _ = written
    prior = ip.MeasuredPrior.load(path)
    y = measurement(1)
    torch.testing.assert_close(prior.measurement_score(y), network(y))
    assert repr(prior) == f"MeasuredPrior.load({str(path)!r})"
    assert repr(ip.MeasuredPrior.load(path, peak=30.0)).endswith("peak=30.0)")
    with pytest.raises(ip.InputError, match=r"\(3, 24, 24\)"):
        ip.Problem(prior, NOISE, y.expand(-1, 3, -1, -1))
    x = ip.solve(ip.Problem(prior, NOISE, y), ip.ScoreEquation()).x
    assert x.shape == y.shape and bool(x.isfinite().all())


def test_coordinates_belong_to_the_fingerprint(network):
    before = fingerprint(network)
    other = evolve(SMALL.coordinates, sigma=2 * SMALL.coordinates.sigma)
    network.architecture = evolve(SMALL, coordinates=other)
    assert fingerprint(network) != before


def test_wrong_channels(network):
    with pytest.raises(ip.InputError, match=r"learned from images \(B, 1, H, W\)"):
        network(torch.rand(1, 3, 16, 16))


def test_files_of_other_networks(network, written, tmp_path):
    path = tmp_path / "flow.safetensors"
    write_glow(Glow(GlowArchitecture((1, 4, 4), depths=(2,), width=8)), path)
    with pytest.raises(ip.WeightsError, match="invprob train score"):
        ip.MeasuredPrior.load(path)
    with pytest.raises(ip.WeightsError, match="holds no Glow"):
        load_glow(written[0])
    with pytest.raises(ip.WeightsError, match="can't read"):
        ip.MeasuredPrior.load(tmp_path / "none.safetensors")
    for text in ("{}", "[1]", '{"channels": 1, "coordinates": {}}'):
        write_weights(network, path, {FILE.key: text})
        with pytest.raises(ip.WeightsError, match="damaged"):
            load_score(path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"channels": 0}, r"channels=\(0,\)"),
        ({"widths": (8, 8)}, r"widths=\(8, 8\)"),
        ({"before": (1, 1, -1)}, r"before=\(1, 1, -1\)"),
    ],
)
def test_what_can_not_be(change, message):
    with pytest.raises(ip.InputError, match=message):
        Architecture(**{"channels": 1, "coordinates": SMALL.coordinates, **change})
