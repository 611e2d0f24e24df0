"""Score networks, and their files."""

import pickle

import pytest
import torch
from attrs import evolve

import invprob as ip
from invprob.fingerprint import fingerprint
from invprob.networks.coordinates import measure
from invprob.networks.glow import Architecture as GlowArchitecture
from invprob.networks.glow import Glow
from invprob.networks.score import Architecture, ScoreNetwork
from invprob.networks.stored_glow import load_glow, write_glow
from invprob.networks.stored_score import ABOUT, StoredScore, load_score, write_score
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
    weaker = network.perturbed(z.forward(y), z.sigma)  # the same denoiser, twice the variance
    torch.testing.assert_close(2 * weaker, s)


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
        write_weights(network, path, {ABOUT: text})
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
