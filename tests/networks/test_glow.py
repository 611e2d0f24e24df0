"""Glow: its layers and the whole, against their Jacobians and their inverses."""

import math

import pytest
import torch
from torch import Generator, nn

from invprob.contracts import Domain
from invprob.errors import InputError
from invprob.networks import glow
from invprob.networks.glow import Architecture, Glow
from invprob.networks.invertible import (
    LARGEST_LOG_SCALE,
    ActNorm,
    Coupling,
    Mixing,
    convolutions,
    fold,
    unfold,
)

SHAPES = [
    ((1, 4, 4), (2, 2)),
    ((3, 2, 2), (2,)),
    ((1, 2, 6), (3,)),
    ((1, 1, 8), (2, 1, 2)),
    ((2, 4, 1), (2, 2)),
]


def made_up(shape=(1, 4, 4), depths=(2, 2), width=8, bits=5, scale=0.3):
    """A float64 Glow with every weight away from its start."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        flow = Glow(Architecture(shape, depths, width, bits))
        return shaken(flow, scale).requires_grad_(False)


def shaken(module, scale=0.3):
    module.double()
    generator = Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in module.parameters():
            noise = torch.randn(parameter.shape, generator=generator, dtype=torch.float64)
            parameter.add_(scale * noise)
    return module


def images(shape, count=2, dtype=torch.float64):
    return torch.rand((count, *shape), generator=Generator().manual_seed(2), dtype=dtype)


def log_det_of_jacobian(function, x):
    jacobian = torch.func.jacrev(lambda flat: function(flat.view_as(x)).flatten())(x.flatten())
    return torch.linalg.slogdet(jacobian).logabsdet


@pytest.mark.parametrize(
    "make",
    [lambda: ActNorm(4), lambda: Mixing(4), lambda: Coupling(convolutions(4, 8))],
    ids=["actnorm", "mixing", "coupling"],
)
def test_layers(make):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        layer = shaken(make())
    x = images((4, 3, 2), count=1) - 0.5
    y, log_det = layer(x)
    torch.testing.assert_close(layer.inverse(y), x, rtol=0, atol=1e-12)
    expected = log_det_of_jacobian(lambda image: layer(image)[0], x)
    torch.testing.assert_close(log_det.sum(), expected, rtol=0, atol=1e-11)


def test_actnorm_is_set_by_a_batch():
    layer, x = ActNorm(3), 5 + 0.2 * images((3, 4, 4), 8, torch.float32)
    layer.initialise(x)
    y, _ = layer(x)
    torch.testing.assert_close(y.mean((0, 2, 3)), torch.zeros(3), rtol=0, atol=1e-4)
    torch.testing.assert_close(y.std((0, 2, 3), correction=0), torch.ones(3), rtol=1e-4, atol=0)


def test_actnorm_of_a_constant_channel_is_finite():
    layer = ActNorm(1)
    layer.initialise(torch.full((2, 1, 2, 2), 0.7))
    assert layer(torch.full((1, 1, 2, 2), 0.7))[0].isfinite().all()


def test_mixing_begins_as_a_rotation():
    layer = Mixing(6).double()
    x = images((6, 2, 2))
    torch.testing.assert_close(layer(x)[0].norm(), x.norm(), rtol=1e-6, atol=0)


class Wild(nn.Module):
    """A coupling's network that has lost its way."""

    def __init__(self, value):
        super().__init__()
        self.value = value

    def forward(self, kept):
        return torch.full_like(kept, self.value).repeat(1, 2, 1, 1)


@pytest.mark.parametrize("value", [1e6, -1e6])
def test_coupling_is_bounded_both_ways(value):
    layer = Coupling(Wild(value))
    x = images((2, 2, 2), 1)
    y, log_det = layer(x)
    assert 0 < log_det / value <= 4 * LARGEST_LOG_SCALE / abs(value)
    largest = math.exp(LARGEST_LOG_SCALE) * (abs(value) + 1)
    assert y.abs().max() <= largest and layer.inverse(x).abs().max() <= largest


def test_folding_keeps_blocks_together():
    x = images((3, 4, 6))
    folded = fold(x, (2, 3))
    assert folded.shape == (2, 18, 2, 2)
    assert torch.equal(folded[0, :6, 0, 0], x[0, 0, :2, :3].flatten())
    assert torch.equal(unfold(folded, (2, 3)), x)


@pytest.mark.parametrize(("shape", "depths"), SHAPES)
def test_log_determinant_is_that_of_the_jacobian(shape, depths):
    flow = made_up(shape, depths)
    x = images(shape)
    _, log_det = flow.encode(x)
    for row in range(2):
        image = x[row : row + 1]
        expected = log_det_of_jacobian(lambda image: flow.encode(image)[0], image)
        torch.testing.assert_close(log_det[row], expected, rtol=0, atol=1e-9)


@pytest.mark.parametrize(("shape", "depths"), SHAPES)
def test_decode_undoes_encode_and_the_other_way_round(shape, depths):
    flow = made_up(shape, depths)
    x = images(shape)
    z, _ = flow.encode(x)
    assert z.shape == x.shape
    torch.testing.assert_close(flow.decode(z), x, rtol=0, atol=1e-10)
    z = torch.randn(x.shape, generator=Generator().manual_seed(3), dtype=torch.float64)
    torch.testing.assert_close(flow.encode(flow.decode(z))[0], z, rtol=0, atol=1e-9)


def test_every_weight_and_every_pixel_matters():
    flow = made_up().requires_grad_(True)
    x = images((1, 4, 4)).requires_grad_()
    z, log_det = flow.encode(x)
    (z.square().sum() - log_det.sum()).backward()
    assert (x.grad != 0).all()
    for name, parameter in flow.named_parameters():
        if not name.endswith((".lower", ".upper")):  # half of those is zero
            assert (parameter.grad != 0).any(), name


def test_initialise_makes_latents_standard():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        flow = Glow(Architecture((1, 8, 8), (3, 3), 8))
    x = 0.2 + 0.1 * images((1, 8, 8), 64, torch.float32)
    flow.initialise(x)
    z = flow.encode(x)[0].detach()
    assert z.mean().abs() < 0.2
    assert z.square().mean() == pytest.approx(1, abs=0.5)


def test_a_new_flow_is_linear_with_the_density_of_its_scales():
    """Couplings are the identity at first, mixing a rotation: only scales are left."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        flow = Glow(Architecture((1, 4, 4), (2, 1), 8, bits=3)).double()
    _, log_det = flow.encode(images((1, 4, 4)))
    torch.testing.assert_close(
        log_det, torch.full((2,), 16 * math.log(7 / 8), dtype=torch.float64), rtol=1e-6, atol=1e-6
    )


def test_precisions():
    flow = made_up()
    x = images((1, 4, 4))
    z, log_det = flow.encode(x.float())
    assert z.dtype == log_det.dtype == torch.float32
    single = flow.float().encode(x)
    assert single[0].dtype == torch.float64
    torch.testing.assert_close(single[0].float(), z, rtol=1e-3, atol=1e-3)


def test_batches_are_cut(monkeypatch):
    flow = made_up()
    x = images((1, 4, 4), 5)
    z, log_det = flow.encode(x)
    monkeypatch.setattr(glow, "PIXELS_AT_ONCE", 2 * 16)
    torch.testing.assert_close(flow.encode(x), (z, log_det))
    torch.testing.assert_close(flow.decode(z), x)
    torch.testing.assert_close(flow.encode(x[3:4])[0], z[3:4])


def test_far_from_any_image_everything_is_finite():
    flow = made_up(depths=(4, 4), scale=0.5).float()
    for value in (-1e4, -10, 10, 1e4):
        x = torch.full((1, 1, 4, 4), float(value)).requires_grad_()
        z, log_det = flow.encode(x)
        (gradient,) = torch.autograd.grad(log_det.sum() - 0.5 * z.square().sum(), x)
        assert z.isfinite().all() and log_det.isfinite().all() and gradient.isfinite().all()
        assert flow.decode(torch.full((1, 1, 4, 4), float(value))).isfinite().all()


def test_log_determinant_is_bounded():
    flow = made_up(depths=(4, 4), scale=0.5)
    fixed = flow._scale
    bound = 16 * abs(math.log(fixed))
    for module in flow.modules():
        weights = module.log_scale if isinstance(module, ActNorm) else None
        weights = module.log_size if isinstance(module, Mixing) else weights
        bound += 16 * float(weights.abs().max()) if weights is not None else 0
        bound += 16 * LARGEST_LOG_SCALE if isinstance(module, Coupling) else 0
    for value in (-1e6, 0.0, 1e6):
        assert abs(float(flow.encode(torch.full((1, 1, 4, 4), value).double())[1])) < bound


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 4, 4), (4, 4)])
def test_another_shape(shape):
    flow = made_up()
    for function, name in ((flow.encode, "x"), (flow.decode, "z")):
        with pytest.raises(InputError, match=rf"{name} has shape .*\(B, 1, 4, 4\)"):
            function(torch.zeros(1, *shape))


def test_domain():
    assert made_up().domain() == Domain(channels=(1,), shape=(1, 4, 4), unit_range=True)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (((1, 30, 28), (8, 8)), "30 x 28.*multiples of 4"),
        (((1, 28, 28), (4, 4, 4)), "multiples of 8"),
        (((3, 1, 1), (4,)), "1 x 1"),
        (((28, 28), (8, 8)), r"\(C, H, W\)"),
        (((0, 28, 28), (8, 8)), r"\(C, H, W\)"),
        (((1, 28, 28), ()), "depths"),
        (((1, 28, 28), (8, 0)), "depths"),
        (((1, 28, 28), (8, 8), 0), "width=0"),
        (((1, 28, 28), (8, 8), 96, 0), "bits=0"),
    ],
)
def test_impossible_architectures(arguments, message):
    with pytest.raises(InputError, match=message):
        Architecture(*arguments)


def test_architecture_as_text():
    architecture = Architecture((3, 8, 4), (2, 1), 5, 8)
    assert Architecture.from_json(architecture.to_json()) == architecture
    for text in ("nonsense", "[]", '{"size": 3}', '{"shape": 5}', '{"shape": [1, 3, 3]}'):
        with pytest.raises(InputError):
            Architecture.from_json(text)
