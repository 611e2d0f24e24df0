"""Tiles: the result of the whole image, from parts that are no larger than asked for."""

import pytest
import torch

from invprob.errors import InputError
from invprob.networks.counted import listening
from invprob.networks.denoiser import Architecture, Denoiser
from invprob.networks.tiles import in_pieces, in_tiles, least_tile


@pytest.fixture(scope="module")
def network():
    """A network that passes everything on that it sees, with a reach of 33 pixels."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = Denoiser(Architecture((1,), (4, 4, 4), (1, 1, 0), (0, 0)))
        for parameter in network.parameters():
            torch.nn.init.uniform_(parameter, 0.05, 0.15)
    return network.double().requires_grad_(False)


def image(*size):
    return torch.rand(2, 1, *size, generator=torch.Generator().manual_seed(0)).double()


def call(network):
    return lambda x: network(x, torch.tensor(0.5))


@pytest.mark.parametrize(
    ("before", "after"), [((1, 1, 0), (0, 0)), ((0, 0, 1), (0, 1)), ((1, 0, 0), (2, 0))]
)
def test_reach_is_how_far_an_output_pixel_depends_on_the_image(before, after):
    network = Denoiser(Architecture((1,), (4, 4, 4), before, after)).double()
    for parameter in network.parameters():
        torch.nn.init.constant_(parameter, 0.1)
    far = 0
    for place in range(80, 88):
        x = torch.full((1, 1, 168, 168), 0.6, dtype=torch.float64, requires_grad=True)
        (gradient,) = torch.autograd.grad(call(network)(x)[0, 0, place, place], x)
        rows = gradient[0, 0].abs().sum(1).nonzero()[:, 0]
        far = max(far, int((rows - place).abs().max()))
    assert far == network.reach


@pytest.mark.parametrize("size", [(200, 131), (97, 240), (400, 7), (96, 96)])
def test_tiles_change_nothing(network, size):
    x = image(*size)
    seen = []

    def watched(part):
        seen.append(part.shape)
        return network(part, torch.tensor(0.5))

    out = in_tiles(watched, network, x, least_tile(network))
    torch.testing.assert_close(out, call(network)(x), rtol=1e-10, atol=1e-12)
    assert max(max(shape[2:]) for shape in seen) <= least_tile(network)
    assert (len(seen) > 1) == (max(size) > least_tile(network))


def test_a_smaller_margin_would_show(network):
    """The test above can fail: without the outermost cells of the margin the result differs."""

    class Shorter:
        reach, grid = network.reach - 16, network.grid

    x = image(200, 200)
    out = in_tiles(call(network), Shorter(), x, least_tile(network))
    assert (out - call(network)(x)).abs().max() > 1e-9


@pytest.mark.parametrize("tile", [None, 96])
def test_every_pixel_is_counted_once(network, tile):
    told = []
    with listening(told.append):
        in_pieces(call(network), network, image(200, 131), tile)
    assert sum(told) == 2 * 200 * 131 and (len(told) > 1) == (tile is not None)


def test_gradients_pass_through_tiles(network):
    x = image(130, 60).requires_grad_()
    weights = torch.rand(x.shape, generator=torch.Generator().manual_seed(1)).double()
    found = [
        torch.autograd.grad((out * weights).sum(), x)[0]
        for out in (in_tiles(call(network), network, x, least_tile(network)), call(network)(x))
    ]
    torch.testing.assert_close(*found, rtol=1e-8, atol=1e-10)


def test_tiles_that_are_all_margin(network):
    with pytest.raises(InputError, match=f"tile=50: .*give {least_tile(network)} or more"):
        in_tiles(call(network), network, image(200, 200), 50)
