"""Glows in files."""

import pickle

import pytest
import torch

from invprob.errors import WeightsError
from invprob.networks import denoiser
from invprob.networks.denoiser import Denoiser
from invprob.networks.glow import Architecture, Glow
from invprob.networks.stored_glow import StoredGlow, load_glow, write_glow
from invprob.networks.weights_file import digest_of, write_weights

SMALL = Architecture((1, 4, 4), depths=(2, 1), width=8)


@pytest.fixture
def flow():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        flow = Glow(SMALL)
        with torch.no_grad():
            for parameter in flow.parameters():
                parameter.add_(0.1 * torch.randn(parameter.shape)).copy_(parameter.half().float())
    return flow.requires_grad_(False)


@pytest.fixture
def written(flow, tmp_path):
    path = tmp_path / "flow.safetensors"
    return path, write_glow(flow, path)


def images():
    return torch.rand(2, 1, 4, 4, generator=torch.Generator().manual_seed(0))


def test_round_trip(flow, written):
    path, digest = written
    loaded = load_glow(path, digest)
    assert loaded.architecture == SMALL
    assert not any(parameter.requires_grad for parameter in loaded.parameters())
    torch.testing.assert_close(loaded.encode(images()), flow.encode(images()))
    assert digest_of(path) == digest


def test_a_stored_flow_is_that_flow(flow, written):
    stored = StoredGlow(*written)
    assert stored.domain() == flow.domain()
    z, log_det = stored.encode(images())
    torch.testing.assert_close((z, log_det), flow.encode(images()))
    torch.testing.assert_close(stored.decode(z), images(), rtol=0, atol=1e-5)
    again = pickle.loads(pickle.dumps(stored))
    assert torch.equal(again.encode(images())[0], z)


def test_double_precision_is_double(written):
    stored = StoredGlow(*written)
    x = images().double()
    z, _ = stored.encode(x)
    assert z.dtype == torch.float64
    torch.testing.assert_close(stored.decode(z), x, rtol=0, atol=1e-12)


def test_loading_leaves_the_global_random_state_alone(written):
    before = torch.random.get_rng_state()
    load_glow(*written)
    assert torch.equal(before, torch.random.get_rng_state())


def test_missing(tmp_path):
    with pytest.raises(WeightsError, match="can't read the weight file.*name a .safetensors"):
        StoredGlow(tmp_path / "none.safetensors").domain()


def test_truncated(written):
    path, digest = written
    path.write_bytes(path.read_bytes()[:-5])
    with pytest.raises(WeightsError, match="cut short"):
        load_glow(path, digest)
    with pytest.raises(WeightsError, match="cut short"):
        load_glow(path)


def test_weights_of_another_network(tmp_path):
    path = tmp_path / "denoiser.safetensors"
    write_weights(Denoiser(denoiser.Architecture(widths=(8, 8, 8))), path)
    with pytest.raises(WeightsError, match="holds no Glow but another network"):
        load_glow(path)


def test_weights_of_another_architecture(flow, tmp_path):
    path = tmp_path / "flow.safetensors"
    write_weights(flow, path, {"glow": Architecture((1, 4, 4), (2, 2), 8).to_json()})
    with pytest.raises(WeightsError, match="another network than Glow.*missing"):
        load_glow(path)


def test_a_damaged_description(flow, tmp_path):
    path = tmp_path / "flow.safetensors"
    write_weights(flow, path, {"glow": '{"shape": [1, 5, 5]}'})
    with pytest.raises(WeightsError, match="damaged.*5 x 5"):
        load_glow(path)


def test_a_first_use_in_inference_mode_leaves_gradients_to_others(written):
    stored, x = StoredGlow(*written), images().requires_grad_()
    with torch.inference_mode():
        stored.encode(x)
    stored.encode(x)[1].sum().backward()
    assert bool(x.grad.isfinite().all())


def test_decoding_is_as_precise_under_autocast(written):
    stored, x = StoredGlow(*written), images()
    with torch.autocast("cpu", torch.bfloat16):
        back = stored.decode(stored.encode(x)[0])
    torch.testing.assert_close(back.float(), x, rtol=0, atol=1e-5)
