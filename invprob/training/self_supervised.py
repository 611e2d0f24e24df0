r"""Learning and judging a denoiser without clean images.

For y = x + sigma n with n ~ N(0, I):

**Recorrupted-to-Recorrupted** (Pang et al. 2021). With fresh noise n' and any a > 0,

    y₁ = y + a sigma n',    y₂ = y - sigma n' / a

have independent noise: cov(n + a n', n - n' / a) = 0. So E ‖D(y₁) - y₂‖² is E ‖D(y₁) - x‖² plus a
constant, and a network that learns y₂ from y₁ learns to denoise, at sigma sqrt(1 + a²).

**Stein's unbiased risk estimate** (SURE, Stein 1981; as a network's loss, Soltanayev and Chun
2018). For a denoiser that was not made from y,

    E ‖D(y) - x‖² = E [ ‖D(y) - y‖² - N sigma² + 2 sigma² div D(y) ],

with the divergence from one probe of random signs (Hutchinson 1990). A network that trained on y
has learned some of its noise, so a fifth of the pixels, in small blocks, is never a target, and
SURE is taken on those. They are still seen as neighbours; that is the one thing that is not exact.

Most of what SURE is wrong by is the same for every denoiser: how far the noise's mean square is
from sigma². So a fifth of the pixels is enough to compare two. What the error is itself, all
pixels tell: of the network from which the training began, which has learned nothing of y.

References: Pang, Zheng, Quan, Ji, Recorrupted-to-Recorrupted, CVPR 2021. Stein, Estimation of the
mean of a multivariate normal distribution, 1981, https://doi.org/10.1214/aos/1176345632.
Soltanayev, Chun, Training deep learning based denoisers without ground truth data, 2018,
https://arxiv.org/abs/1803.01314. Hutchinson, A stochastic estimator of the trace of the influence
matrix for Laplacian smoothing splines, 1990, https://doi.org/10.1080/03610919008812866.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from attrs import frozen
from torch import Generator, Tensor
from torch.nn import functional

Network = Callable[[Tensor, Tensor], Tensor]

BLOCK, EVERY = 8, 5
"""One block of `BLOCK` x `BLOCK` pixels in `EVERY` is held out."""

SEEN = 512
"""Of large images the centre of this side is judged."""


def recorrupt(y: Tensor, sigma: float, a: Tensor, generator: Generator) -> tuple[Tensor, Tensor]:
    """Two images whose noise is independent, from one noisy image.

    Args:
        y: `(B, C, H, W)`.
        sigma: the standard deviation of its noise.
        a: `(B,)`, how much is added to the first, in units of sigma.
        generator: the source of randomness.

    Returns:
        y₁ with noise sigma sqrt(1 + a²), and y₂ with noise sigma sqrt(1 + 1 / a²).
    """
    noise = torch.randn(y.shape, generator=generator, dtype=y.dtype, device=y.device)
    shares = a.to(y).view(-1, 1, 1, 1)
    return y + sigma * shares * noise, y - sigma * noise / shares


@torch.no_grad()
def risk(network: Network, y: Tensor, sigma: float, generator: Generator) -> Tensor:
    """SURE, pixel by pixel: its mean estimates the mean squared error of the denoised image.

    Args:
        network: `(x, sigma) -> x`.
        y: noisy images `(B, C, H, W)`.
        sigma: the standard deviation of their noise.
        generator: of the probe.
    """
    probe = torch.rand(y.shape, generator=generator, dtype=y.dtype, device=y.device)
    probe = (probe < 0.5).to(y) * 2 - 1
    level, length = torch.full_like(y[:, 0, 0, 0], sigma), 0.1 * sigma
    out = network(y, level)
    divergence = probe * (network(y + length * probe, level) - out) / length
    estimate: Tensor = (out - y).square() - sigma**2 + 2 * sigma**2 * divergence
    return estimate


@frozen(eq=False)
class Judge:
    """SURE on the blocks that are held out.

    Attributes:
        y: noisy images `(B, C, H, W)`.
        held_out: which blocks are, `(H // BLOCK, W // BLOCK)`.
        sigma: the standard deviation of the noise.
        seed: of the probe.
        offset: by how much the held-out blocks, for any network, say too little.
    """

    y: Tensor
    held_out: Tensor
    sigma: float
    seed: int
    offset: float = 0.0

    @classmethod
    def of(cls, y: Tensor, sigma: float, seed: int, first: Network) -> Judge:
        """The centre of an image, cut on the grid of the blocks.

        Args:
            y: noisy images `(B, C, H, W)`.
            sigma: the standard deviation of their noise.
            seed: of the probe.
            first: a network that has learned nothing of y.
        """
        top, left = (max(n - SEEN, 0) // 2 // BLOCK * BLOCK for n in y.shape[2:])
        window = (slice(top, top + SEEN), slice(left, left + SEEN))
        held_out = held_out_blocks(y)[top // BLOCK :, left // BLOCK :]
        y = y[:, :, window[0], window[1]]
        held_out = held_out[: y.shape[2] // BLOCK, : y.shape[3] // BLOCK]
        found = cls(y, held_out, sigma, seed)._everywhere(first)
        return cls(y, held_out, sigma, seed, float(found.mean() - found[:, held_out].mean()))

    def blocks(self, network: Network) -> Tensor:
        """The estimated mean squared error of each held-out block, always with the same probe."""
        return self._everywhere(network)[:, self.held_out].flatten().cpu().double() + self.offset

    def _everywhere(self, network: Network) -> Tensor:
        """Of all blocks, `(B, H // BLOCK, W // BLOCK)`."""
        generator = Generator(self.y.device).manual_seed(self.seed + 1)
        found = risk(network, self.y, self.sigma, generator).mean(1, keepdim=True)
        return functional.avg_pool2d(found, BLOCK)[:, 0]

    @staticmethod
    def psnr(blocks: Tensor) -> float:
        """In dB, of a mean squared error; 100 where that comes out as 0 or less.

        It may where the error is tiny, and it does where sigma is more than the noise of y.
        """
        return float(-10 * blocks.mean().clamp_min(1e-10).log10())


def held_out_blocks(y: Tensor) -> Tensor:
    """Which blocks of the image are never a target, `(H // BLOCK, W // BLOCK)`."""
    rows, columns = (torch.arange(n // BLOCK, device=y.device) for n in y.shape[2:])
    return (rows[:, None] + 2 * columns) % EVERY == 0


def held_out_pixels(y: Tensor) -> Tensor:
    """The same for pixels, `(H, W)`."""
    blocks = held_out_blocks(y).repeat_interleave(BLOCK, 0).repeat_interleave(BLOCK, 1)
    missing = (y.shape[3] - blocks.shape[1], y.shape[2] - blocks.shape[0])
    return functional.pad(blocks, (0, missing[0], 0, missing[1]))
