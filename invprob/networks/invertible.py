r"""The layers of a normalizing flow: invertible, with a log-determinant that costs nothing extra.

Each is a module with `forward(x)`, which gives y and log |det ∂y/∂x|, and `inverse(y)`. For images
`(B, C, H, W)` at any stage of the flow:

**ActNorm.** y = (x + bias) exp(log_scale), one bias and scale for each channel, set so that the
first batch leaves with mean 0 and variance 1. log |det| = H W Σ log_scale.

**Mixing** (a 1x1 convolution). y = W x at every pixel, with W = P L (U + diag(sign exp(log_size)))
for a fixed permutation P, L lower with ones on the diagonal, U strictly upper triangular. The
determinant is a sum and the inverse two triangular solves: log |det| = H W Σ log_size.

**Coupling.** Half of the channels, a, stay; the others are scaled and shifted by functions of a:

    y_b = (x_b + t(a)) exp(s(a)),      log |det| = Σ s(a),      s = m tanh(h(a) / m).

The functions may be any network, since the inverse needs them at a only, which is known. Glow has
exp(s) = sigmoid(h + 2), which tends to 0 where h runs away, so the inverse explodes and log |det|
is unbounded below. Here |s| < m = `LARGEST_LOG_SCALE`: images far from anything seen in training
have finite log-densities, and latents far out have finite images.

References: Dinh, Sohl-Dickstein, Bengio, Density estimation using Real NVP, 2017,
https://arxiv.org/abs/1605.08803. Kingma, Dhariwal, Glow, 2018, https://arxiv.org/abs/1807.03039.
"""

from __future__ import annotations

import torch
from einops import rearrange
from torch import Tensor, nn

LARGEST_LOG_SCALE = 2.0
"""A coupling scales by no more than exp(2) = 7.4, and by no less than its inverse."""

LEAST_SPREAD = 1e-4
"""The standard deviation that a channel is taken to have at least, when ActNorm is set."""


class ActNorm(nn.Module):
    """A bias and a scale for each channel.

    Example:
        >>> layer = ActNorm(2)
        >>> x = torch.tensor([[[[3.0, 5.0]], [[0.0, 0.0]]]])
        >>> layer.initialise(x)
        >>> layer(x)[0][0, 0].detach()
        tensor([[-1.,  1.]])
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(channels, 1, 1))
        self.log_scale = nn.Parameter(torch.zeros(channels, 1, 1))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Y and log |det|, which is `()`: the same for every image."""
        return (x + self.bias) * self.log_scale.exp(), _pixels(x) * self.log_scale.sum()

    def inverse(self, y: Tensor) -> Tensor:
        """The x that `forward` made y of."""
        return y * (-self.log_scale).exp() - self.bias

    @torch.no_grad()
    def initialise(self, x: Tensor) -> None:
        """Make the channels of this batch leave with mean 0 and variance 1."""
        variance, mean = torch.var_mean(x, (0, 2, 3), correction=0)
        self.bias.copy_(-mean[:, None, None])
        self.log_scale.copy_(-variance.sqrt().clamp_min(LEAST_SPREAD).log()[:, None, None])


class Mixing(nn.Module):
    """An invertible 1x1 convolution, factorised; a random rotation at first.

    Example:
        >>> layer = Mixing(4)
        >>> x = torch.linspace(0, 1, 16).reshape(1, 4, 2, 2)
        >>> y, log_det = layer(x)
        >>> bool(torch.isclose(y.norm(), x.norm())), bool(log_det.abs() < 1e-5)
        (True, True)
        >>> bool(torch.allclose(layer.inverse(y), x, atol=1e-6))
        True
    """

    permutation: Tensor
    sign: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        rotation, _ = torch.linalg.qr(torch.randn(channels, channels))
        permutation, lower, upper = torch.linalg.lu(rotation)
        diagonal = upper.diagonal()
        self.lower = nn.Parameter(lower.tril(-1))
        self.upper = nn.Parameter(upper.triu(1))
        self.log_size = nn.Parameter(diagonal.abs().log())
        self.register_buffer("permutation", permutation)
        self.register_buffer("sign", diagonal.sign())

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Y and log |det|, which is `()`: the same for every image."""
        with torch.autocast(x.device.type, enabled=False):  # half precision would not be undone
            lower, upper = self._factors()
            y = torch.einsum("dc,bchw->bdhw", self.permutation @ lower @ upper, x)
        return y, _pixels(x) * self.log_size.sum()

    def inverse(self, y: Tensor) -> Tensor:
        """The x that `forward` made y of."""
        with torch.autocast(y.device.type, enabled=False):
            lower, upper = self._factors()
            columns = self.permutation.mT @ y.flatten(2)
            half = torch.linalg.solve_triangular(lower, columns, upper=False, unitriangular=True)
            x: Tensor = torch.linalg.solve_triangular(upper, half, upper=True).view_as(y)
        return x

    def _factors(self) -> tuple[Tensor, Tensor]:
        one = torch.eye(len(self.sign), dtype=self.lower.dtype, device=self.lower.device)
        diagonal = (self.sign * self.log_size.exp()).diag()
        return self.lower.tril(-1) + one, self.upper.triu(1) + diagonal


class Coupling(nn.Module):
    """Half of the channels, scaled and shifted by functions of the other half.

    Args:
        network: from the first half of the channels `(B, C / 2, H, W)` to `(B, C, H, W)`: first
            the h of all channels, then their shifts t.

    Example:
        >>> layer = Coupling(nn.Conv2d(1, 2, 1))
        >>> x = torch.linspace(0, 1, 8).reshape(1, 2, 2, 2)
        >>> y, log_det = layer(x)
        >>> bool(torch.equal(y[:, 0], x[:, 0])), log_det.shape
        (True, torch.Size([1]))
        >>> bool(torch.allclose(layer.inverse(y), x, atol=1e-6))
        True
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Y and log |det| `(B,)`."""
        kept, changed = x.chunk(2, 1)
        log_scale, shift = self._functions(kept)
        y = torch.cat([kept, (changed + shift) * log_scale.exp()], 1)
        return y, log_scale.flatten(1).sum(1)

    def inverse(self, y: Tensor) -> Tensor:
        """The x that `forward` made y of."""
        kept, changed = y.chunk(2, 1)
        log_scale, shift = self._functions(kept)
        return torch.cat([kept, changed * (-log_scale).exp() - shift], 1)

    def _functions(self, kept: Tensor) -> tuple[Tensor, Tensor]:
        raw, shift = self.network(kept).to(kept.dtype).chunk(2, 1)
        return LARGEST_LOG_SCALE * (raw / LARGEST_LOG_SCALE).tanh(), shift


def convolutions(channels: int, width: int) -> nn.Sequential:
    """A coupling's network: 3x3, 1x1 and 3x3 convolutions, the last one zero at first.

    Borders are padded with zeros, so the network can tell where in the image it is.
    """
    return nn.Sequential(
        nn.Conv2d(channels // 2, width, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(width, width, 1),
        nn.ReLU(),
        zero_convolution(width, channels),
    )


def zero_convolution(inputs: int, outputs: int) -> nn.Conv2d:
    """A 3x3 convolution that answers 0 until it is trained."""
    convolution = nn.Conv2d(inputs, outputs, 3, padding=1)
    nn.init.zeros_(convolution.weight)
    if convolution.bias is not None:
        nn.init.zeros_(convolution.bias)
    return convolution


def fold(x: Tensor, factors: tuple[int, int]) -> Tensor:
    """Blocks of pixels to channels: `(B, C, H p, W q)` to `(B, C p q, H, W)`.

    >>> fold(torch.arange(4.0).reshape(1, 1, 2, 2), (2, 2)).flatten()
    tensor([0., 1., 2., 3.])
    """
    p, q = factors
    folded: Tensor = rearrange(x, "b c (h p) (w q) -> b (c p q) h w", p=p, q=q)
    return folded


def unfold(x: Tensor, factors: tuple[int, int]) -> Tensor:
    """The inverse of `fold`."""
    p, q = factors
    unfolded: Tensor = rearrange(x, "b (c p q) h w -> b c (h p) (w q)", p=p, q=q)
    return unfolded


def _pixels(x: Tensor) -> int:
    return x.shape[-2] * x.shape[-1]
