"""The network's shapes, conditioning and gradients, with weights that are not trained."""

import pytest
import torch

from invprob.errors import InputError
from invprob.networks.denoiser import KNOTS, Architecture, Denoiser, level_features

SIGMA = torch.tensor(0.1)


@pytest.fixture(scope="module")
def network():
    """A small network whose tails are not zero."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = Denoiser(Architecture(widths=(8, 8, 8)))
        for name, parameter in network.named_parameters():
            if name.startswith("tails.") or "gain" in name:
                torch.nn.init.normal_(parameter, std=0.1)
    return network.eval().requires_grad_(False)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("size", [(1, 1), (1, 9), (7, 7), (16, 16), (17, 30), (8, 41)])
def test_any_size(network, channels, size):
    x = torch.rand(2, channels, *size, generator=torch.Generator().manual_seed(0))
    out = network(x, SIGMA)
    assert out.shape == x.shape
    assert out.isfinite().all()


def test_starts_as_the_best_linear_pixelwise_denoiser():
    x = torch.rand(1, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    out = Denoiser(Architecture(widths=(8, 8, 8)))(x, torch.tensor(0.25))
    torch.testing.assert_close(out, 0.5 + 0.5 * (x - 0.5))


def test_one_level_for_each_row(network):
    x = torch.rand(3, 1, 16, 16, generator=torch.Generator().manual_seed(0))
    sigma = torch.tensor([0.01, 0.3, 5.0])
    together = network(x, sigma)
    for row in range(3):
        alone = network(x[row : row + 1], sigma[row])
        torch.testing.assert_close(together[row : row + 1], alone, rtol=1e-4, atol=1e-5)


def test_levels_outside_the_range_are_those_at_its_ends(network):
    x = torch.rand(1, 1, 16, 16, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(network(x, torch.tensor(50.0)), network(x, torch.tensor(10.0)))
    torch.testing.assert_close(network(x, torch.tensor(0.0)), network(x, torch.tensor(0.002)))


@pytest.mark.parametrize("shape", [(3, 16, 16), (1, 2, 16, 16), (1, 16, 16, 3)])
def test_refuses_other_shapes(network, shape):
    with pytest.raises(InputError, match=r"\(B, 3, H, W\)"):
        network(torch.zeros(shape), SIGMA)


def test_gradient_through_the_image(network):
    generator = torch.Generator().manual_seed(0)
    x = torch.rand(1, 1, 16, 16, generator=generator, requires_grad=True)
    left, step = (torch.randn(x.shape, generator=generator) for _ in range(2))
    (product,) = torch.autograd.grad((network(x, SIGMA) * left).sum(), x)
    with torch.no_grad():
        ends = [(network(x + sign * 1e-3 * step, SIGMA) * left).sum() for sign in (1, -1)]
    assert float((product * step).sum()) == pytest.approx(
        float(ends[0] - ends[1]) / 2e-3, rel=0.05
    )


def test_level_features_are_bounded_and_told_apart():
    features = level_features(torch.tensor([0.002, 0.1, 10.0]))
    assert features.shape == (3, KNOTS + 2)
    assert features.abs().max() <= 1 + 1e-6
    assert features[0, 0] == pytest.approx(-1) and features[2, 0] == pytest.approx(1)
    assert (features[0] - features[1]).abs().max() > 0.5
