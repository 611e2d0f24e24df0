"""Losses without clean images, against what they estimate."""

import pytest
import torch
from torch import Generator, nn

from invprob.training.self_supervised import (
    BLOCK,
    EVERY,
    Judge,
    held_out_pixels,
    recorrupt,
    risk,
)

SIGMA = 0.3


class Smoother(nn.Module):
    """Linear in x, with weights; towards 1/2 as the noise grows."""

    def __init__(self):
        super().__init__()
        self.gain = nn.Parameter(torch.tensor(0.8, dtype=torch.float64))

    def forward(self, x, sigma):
        blurred = nn.functional.avg_pool2d(x, 3, 1, 1, count_include_pad=False)
        return self.gain * blurred + (0.2 - 0.1 * sigma.view(-1, 1, 1, 1)) * x


@pytest.fixture
def pair():
    generator = Generator().manual_seed(0)
    x = torch.rand(4, 2, 160, 160, generator=generator, dtype=torch.float64)
    noise = torch.randn(x.shape, generator=generator, dtype=torch.float64)
    return x, x + SIGMA * noise


def test_recorrupted_images_have_independent_noise(pair):
    x, y = pair
    a = torch.tensor([0.5, 1.0, 1.5, 2.0])
    first, second = (z - x for z in recorrupt(y, SIGMA, a, Generator().manual_seed(1)))
    for row, share in enumerate(a.tolist()):
        variances = first[row].var(), second[row].var()
        expected = SIGMA**2 * (1 + share**2), SIGMA**2 * (1 + 1 / share**2)
        assert variances == pytest.approx(expected, rel=0.03)
        correlation = (first[row] * second[row]).mean() / (variances[0] * variances[1]).sqrt()
        assert abs(float(correlation)) < 4 / first[row].numel() ** 0.5


def test_the_loss_is_the_error_up_to_a_constant(pair):
    """The difference of two denoisers' losses is the difference of their errors."""
    x, y = pair
    level = SIGMA * 2**0.5 * torch.ones(4, dtype=torch.float64)
    networks = Smoother(), Smoother()
    networks[1].gain.data += 0.3
    first, second = recorrupt(y, SIGMA, torch.ones(4), Generator().manual_seed(1))
    with torch.no_grad():
        outs = [network(first, level) for network in networks]
    loss, error = ([float((o - z).square().mean()) for o in outs] for z in (second, x))
    assert error[1] > 1.1 * error[0]
    assert loss[1] - loss[0] == pytest.approx(error[1] - error[0], rel=0.05)


def test_risk_estimates_the_error_without_the_clean_image(pair):
    x, y = pair
    network = Smoother()
    with torch.no_grad():
        error = (network(y, torch.full((4,), SIGMA)) - x).square().mean()
    found = risk(network, y, SIGMA, Generator().manual_seed(2))
    spread = float(found.std()) / found.numel() ** 0.5
    assert abs(float(found.mean() - error)) < 4 * spread < 0.03 * float(error)


@pytest.mark.parametrize("size", [(64, 64), (100, 77), (540, 600)])
def test_held_out_blocks(size):
    y = torch.zeros(2, 1, *size)
    apart = held_out_pixels(y)
    assert apart.shape == size
    assert float(apart.float().mean()) == pytest.approx(1 / EVERY, abs=0.06)
    judge = Judge.of(y, SIGMA, 0, Smoother())
    blocks = judge.held_out.repeat_interleave(BLOCK, 0).repeat_interleave(BLOCK, 1)
    top, left = (max(n - 512, 0) // 2 // BLOCK * BLOCK for n in size)
    window = apart[top : top + blocks.shape[0], left : left + blocks.shape[1]]
    assert torch.equal(blocks, window)
    assert len(judge.blocks(Smoother())) == 2 * int(judge.held_out.sum())


def test_judging_looks_at_held_out_blocks_only(pair):
    """A network that is wrong elsewhere is not found out."""
    _, y = pair
    judge, elsewhere = Judge.of(y, SIGMA, 0, Smoother()), ~held_out_pixels(y)

    class WrongElsewhere(Smoother):
        def forward(self, x, sigma):
            return super().forward(x, sigma) + elsewhere

    torch.testing.assert_close(judge.blocks(Smoother()), judge.blocks(WrongElsewhere()))


def test_the_first_network_is_judged_by_all_pixels(pair):
    """And others by how much better they are on the blocks that are held out."""
    _, y = pair
    first, second = Smoother(), Smoother()
    second.gain.data -= 0.1
    judge = Judge.of(y, SIGMA, 0, first)
    whole, apart = (risk(net, y, SIGMA, Generator().manual_seed(1)) for net in (first, second))
    assert float(judge.blocks(first).mean()) == pytest.approx(float(whole.mean()))
    held = held_out_pixels(y)
    gain = (whole - apart)[..., held].mean()
    found = judge.blocks(first).mean() - judge.blocks(second).mean()
    assert float(found) == pytest.approx(float(gain))
