"""A weight file that is not what it should be says so."""

import os
import pickle
import stat

import pytest
import torch

from invprob.errors import WeightsError
from invprob.networks.denoiser import Denoiser
from invprob.networks.stored_denoiser import (
    COLOUR,
    GRAY,
    PRETRAINED,
    StoredDenoiser,
    Weights,
    load_denoiser,
)
from invprob.networks.weights_file import EMBEDDED, fill, read_weights, write_weights


@pytest.fixture
def network():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return torch.nn.Linear(3, 2)


@pytest.fixture
def written(network, tmp_path):
    path = tmp_path / "weights.safetensors"
    return path, write_weights(network, path)


def test_round_trip(network, written):
    path, digest = written
    other = torch.nn.Linear(3, 2)
    fill(other, read_weights(path, digest), path)
    torch.testing.assert_close(other.weight, network.weight, rtol=1e-3, atol=1e-4)
    assert other.weight.dtype == torch.float32
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_who_may_read_a_file_is_decided_by_the_umask(network, tmp_path):
    before = os.umask(0o022)
    try:
        write_weights(network, tmp_path / "weights.safetensors")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "weights.safetensors").stat().st_mode) == 0o644


def test_missing(tmp_path):
    with pytest.raises(WeightsError, match="No such file.*name a .safetensors file"):
        read_weights(tmp_path / "nothing.safetensors")
    with pytest.raises(WeightsError, match="No such file.*reinstall invprob"):
        read_weights(EMBEDDED / "nothing.safetensors")


def test_truncated(written, monkeypatch):
    path, digest = written
    path.write_bytes(path.read_bytes()[:-3])
    with pytest.raises(WeightsError, match="SHA-256.*cut short, or rewritten.*load it again$"):
        read_weights(path, digest)
    with monkeypatch.context() as patch:
        patch.setattr("invprob.networks.weights_file.EMBEDDED", path.parent)
        with pytest.raises(WeightsError, match="SHA-256.*cut short.*reinstall"):
            read_weights(path, digest)
    with pytest.raises(WeightsError, match="cut short"):
        read_weights(path)


def test_one_changed_bit(written):
    path, digest = written
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(WeightsError, match=digest):
        read_weights(path, digest)


class _Trap:
    def __reduce__(self):
        return pytest.fail, ("a pickle was executed",)


def test_never_unpickles(tmp_path):
    path = tmp_path / "weights.pt"
    path.write_bytes(pickle.dumps(_Trap()))
    with pytest.raises(WeightsError, match="no safetensors file.*save_file"):
        read_weights(path)


def test_weights_of_another_network(written):
    path, _ = written
    with pytest.raises(WeightsError, match="another network than Linear.*weight is"):
        fill(torch.nn.Linear(4, 2), read_weights(path), path)
    with pytest.raises(WeightsError, match="holds no denoiser but another network"):
        load_denoiser(path)


def test_weights_that_are_not_finite(network, tmp_path):
    path = tmp_path / "weights.safetensors"
    with torch.no_grad():
        network.weight[0, 0] = float("nan")
    write_weights(network, path)
    with pytest.raises(WeightsError, match="not finite.*weight"):
        fill(torch.nn.Linear(3, 2), read_weights(path), path)


def test_a_damaged_package_is_named(tmp_path):
    damaged = tmp_path / "denoiser.safetensors"
    damaged.write_bytes(b"<html>404</html>")
    denoiser = StoredDenoiser(weights=(Weights((1,), damaged, GRAY.sha256),))
    with pytest.raises(WeightsError, match="16 bytes"):
        denoiser(torch.zeros(1, 1, 8, 8), torch.tensor(0.1))


@pytest.mark.parametrize("weights", PRETRAINED)
def test_what_ships(weights):
    assert weights.path.stat().st_size < 8e6
    network = weights.load()
    assert isinstance(network, Denoiser) and network.architecture.channels == weights.channels
    assert not any(parameter.requires_grad for parameter in network.parameters())


def test_loading_leaves_the_global_random_state_alone():
    before = torch.random.get_rng_state()
    COLOUR.load()
    assert torch.equal(before, torch.random.get_rng_state())
