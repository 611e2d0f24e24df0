"""Posterior generators, their critics, and their files."""

import pickle

import pytest
import torch

import invprob as ip
from invprob.networks.critic import Critic
from invprob.networks.generator import Architecture, PosteriorGenerator, law_of
from invprob.networks.glow import Architecture as GlowArchitecture
from invprob.networks.glow import Glow
from invprob.networks.padding import pad_to_multiple
from invprob.networks.stored_generator import (
    FILE,
    StoredGenerator,
    load_generator,
    write_generator,
)
from invprob.networks.stored_glow import write_glow
from invprob.networks.weights_file import write_weights

NOISE = ip.Gaussian(sigma=0.3)
SMALL = Architecture(2, (8, 12), 1, noise=repr(NOISE), law=law_of(NOISE))


@pytest.fixture
def network():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = PosteriorGenerator(SMALL)
        with torch.no_grad():
            for parameter in network.parameters():
                parameter.copy_(parameter.half().float())  # what a file keeps
    return network.requires_grad_(False)


@pytest.fixture
def written(network, tmp_path):
    path = tmp_path / "sampler.safetensors"
    return path, write_generator(network, path)


def measurement(rows=2, height=13, width=18):
    return torch.rand(rows, 2, height, width, generator=ip.generator(3))


@pytest.mark.parametrize("size", [(1, 1), (3, 9), (8, 8), (13, 18)])
def test_any_size(network, size):
    y = measurement(2, *size)
    x = network(y, 1.0, ip.generator(0))
    assert x.shape == y.shape and bool(x.isfinite().all())
    assert network(y.double(), 1.0, ip.generator(0)).dtype == torch.float64
    assert Critic(SMALL)(x, y).shape == (2,)


def test_the_border_is_a_reflection(network):
    """What is padded is the mirrored image: given it, the answer is the same."""
    y = measurement(1, 12, 13)
    padded = pad_to_multiple(y, SMALL.multiple)
    assert torch.equal(padded[..., 13:16], y[..., 9:12].flip(-1))
    whole = network(padded, 0.0, ip.generator(0))
    assert torch.equal(network(y, 0.0, ip.generator(0)), whole[..., :13])


def test_noise_decides_at_every_scale(network):
    y = measurement(1, 16, 16)
    strengths = [blocks.blocks[0].strength for blocks in network.up]
    for noisy in strengths:
        for strength in strengths:
            strength.fill_(0.3 if strength is noisy else 0.0)
        one, other = (network(y, 1.0, ip.generator(seed)) for seed in (0, 1))
        assert float((one - other).abs().max()) > 1e-3
    noisy.zero_()
    assert torch.equal(*(network(y, 1.0, ip.generator(seed)) for seed in (0, 1)))


def test_temperature(network):
    y = measurement(1)
    cold = [network(y, 0.0, ip.generator(seed)) for seed in (0, 1)]
    assert torch.equal(*cold)
    away = [float((network(y, t, ip.generator(0)) - cold[0]).norm()) for t in (0.25, 0.5, 1.0)]
    assert away == sorted(away) and away[0] < 0.6 * away[2]


def test_the_critic_sees_the_measurement():
    torch.manual_seed(0)
    critic, x = Critic(SMALL), measurement()
    assert not torch.allclose(critic(x, x), critic(x, 1 - x))
    assert not torch.allclose(critic(x, x), critic(1 - x, x))
    torch.testing.assert_close(critic(x, x)[1:], critic(x[1:], x[1:]))


def test_round_trip(network, written):
    path, digest = written
    loaded = load_generator(path, digest)
    assert loaded.architecture == SMALL
    assert not any(parameter.requires_grad for parameter in loaded.parameters())
    stored, y = StoredGenerator(path, digest), measurement()
    expected = network(y, 1.0, ip.generator(0))
    assert torch.equal(loaded(y, 1.0, ip.generator(0)), expected)
    assert torch.equal(stored(y, 1.0, ip.generator(0)), expected)
    assert torch.equal(pickle.loads(pickle.dumps(stored))(y, 1.0, ip.generator(0)), expected)
    assert stored.domain().channels == (2,)


def test_files_of_other_networks(network, written, tmp_path):
    path = tmp_path / "flow.safetensors"
    write_glow(Glow(GlowArchitecture((1, 4, 4), depths=(2,), width=8)), path)
    with pytest.raises(ip.WeightsError, match="invprob train sampler"):
        ip.GeneratorPrior.load(path)
    with pytest.raises(ip.WeightsError, match="holds no denoiser"):
        ip.DenoiserPrior.load(written[0])
    with pytest.raises(ip.WeightsError, match="can't read"):
        ip.GeneratorPrior.load(tmp_path / "none.safetensors")
    for text in ("{}", "[1]", '{"channels": 1, "shape": 2}'):
        write_weights(network, path, {FILE.key: text})
        with pytest.raises(ip.WeightsError, match="damaged"):
            load_generator(path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"channels": 0}, "channels=0"),
        ({"widths": ()}, r"widths=\(\)"),
        ({"widths": (8, 0)}, r"widths=\(8, 0\)"),
        ({"blocks": 0}, "blocks=0"),
    ],
)
def test_what_can_not_be(change, message):
    with pytest.raises(ip.InputError, match=message):
        Architecture(**{"channels": 1, **change})
