r"""A network that draws images behind a measurement: noise goes in, at every scale, beside y.

    x = G(y, z),        z ~ N(0, I): of one y, each z makes another image.

A U of convolutions, as a denoiser has, with randomness on the way up. **Noise** enters each block
there, between its two convolutions, as normal numbers of their own for every channel and pixel,
times a learned strength for each channel. So coarse scales decide what an image is, fine ones its
texture. StyleGAN2 (Karras et al. 2020) gives all channels of a block the same noise; here each has
its own, since what a posterior leaves open may have as many dimensions as the image has pixels.

**One law.** The network is told nothing about the noise of y: it belongs to the one likelihood
that it was trained for, which its architecture names, in words and by its fingerprint.

Pixels are folded first, 2 x 2 into one with four times as many channels (`pixel_unshuffle`), and
the image is padded by reflection to what the coarsest scale folds, so that it may have any size.

References: Ohayon et al., High perceptual quality image denoising with a posterior sampling CGAN,
2021, https://arxiv.org/abs/2103.04192. Karras et al., Analyzing and improving the image quality of
StyleGAN, 2020, https://arxiv.org/abs/1912.04958.
"""

from __future__ import annotations

import json
from collections.abc import Iterable

import attrs
import torch
from attrs import field, frozen
from torch import Generator, Tensor, nn
from torch.nn import functional

from ..contracts import Domain
from ..errors import InputError
from ..fingerprint import fingerprint
from .padding import pad_to_multiple

GREY = 0.5
"""What is taken from pixels before the network sees them."""

STRENGTH = 0.3
"""With which noise begins in every channel."""


def _integers(values: Iterable[int]) -> tuple[int, ...]:
    return tuple(int(value) for value in values)


@frozen
class Architecture:
    """What a posterior generator looks like, and what it is for; a weight file carries it.

    Args:
        channels: of an image, and of its measurement.
        widths: channels of the network at 1/2, 1/4, ... resolution.
        blocks: residual blocks at each resolution, as many on the way down as on the way up.
        noise: the likelihood that it was trained for, in words.
        law: the same as `law_of` gives it; empty if it is not known.

    Raises:
        InputError: a number that can't be.

    >>> Architecture(1).multiple
    4
    """

    channels: int
    widths: tuple[int, ...] = field(default=(32, 64), converter=_integers)
    blocks: int = 1
    noise: str = ""
    law: str = ""

    def __attrs_post_init__(self) -> None:
        if self.channels < 1:
            raise InputError(f"channels={self.channels}: an image has 1 at least")
        if not self.widths or min(self.widths) < 1 or self.blocks < 1:
            raise InputError(
                f"widths={self.widths}, blocks={self.blocks}: give channels at each resolution,"
                " such as (32, 64), and 1 block or more"
            )

    @property
    def multiple(self) -> int:
        """So many pixels are folded into one at the coarsest scale."""
        return int(2 ** len(self.widths))

    def to_json(self) -> str:
        """As text, for a weight file."""
        return json.dumps(attrs.asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Architecture:
        """The inverse of `to_json`; `InputError` if the text describes none."""
        try:
            return cls(**json.loads(text))
        except (TypeError, ValueError) as error:
            raise InputError(f"{text!r} describes no posterior generator: {error}") from error


def law_of(likelihood: object) -> str:
    """A likelihood in 16 hexadecimal digits, down to its tensors, which its `repr` leaves out.

    Numbers may have any precision: six digits count.

    >>> law_of(0.1) == law_of(0.2)
    False
    """
    kind = type(likelihood)
    if attrs.has(kind):
        numbers = {
            one.alias: float(f"{float(value):.6g}")
            for one in attrs.fields(kind)
            if one.init and _is_number(value := getattr(likelihood, one.name))
        }
        likelihood = attrs.evolve(likelihood, **numbers)  # type: ignore[misc]
    return fingerprint(likelihood)[:16]


def _is_number(value: object) -> bool:
    return isinstance(value, float) or (isinstance(value, Tensor) and value.numel() == 1)


class PosteriorGenerator(nn.Module):
    """A measurement and noise to an image.

    Weights are drawn from torch's global generator, as those of any module.

    Args:
        architecture: channels, widths and depths.

    Example:
        >>> network = PosteriorGenerator(Architecture(3, (8, 8)))
        >>> y = torch.full((2, 3, 20, 13), 0.5)
        >>> network(y, 1.0, Generator().manual_seed(0)).shape
        torch.Size([2, 3, 20, 13])
    """

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        self.architecture = architecture
        widths, blocks = architecture.widths, architecture.blocks
        channels, steps = 4 * architecture.channels, list(zip(widths, widths[1:], strict=False))
        self.head = nn.Conv2d(channels, widths[0], 3, padding=1)
        self.down = nn.ModuleList(
            nn.Sequential(*(Block(width) for _ in range(blocks))) for width in widths
        )
        self.coarser = nn.ModuleList(nn.Conv2d(a, b, 2, stride=2) for a, b in steps)
        self.finer = nn.ModuleList(nn.Conv2d(b, 4 * a, 1) for a, b in steps)
        self.up = nn.ModuleList(NoisyBlocks(width, blocks) for width in widths)
        self.tail = nn.Conv2d(widths[0], channels, 3, padding=1)

    def forward(self, y: Tensor, temperature: float, generator: Generator) -> Tensor:
        """One image for each measurement.

        Args:
            y: measurements `(B, C, H, W)`, any H and W.
            temperature: scales all noise; 1 as in training, 0 without any.
            generator: the source of randomness.

        Returns:
            `(B, C, H, W)`, in the precision of `y`; it is computed in that of the weights.

        Raises:
            InputError: `y` has another number of axes or channels.
        """
        if y.ndim != 4 or y.shape[1] != self.architecture.channels:
            raise InputError(
                f"y has shape {tuple(y.shape)}, and this generator was trained on measurements"
                f" (B, {self.architecture.channels}, H, W)"
            )
        height, width = y.shape[-2:]
        padded = pad_to_multiple(y.to(self.head.weight), self.architecture.multiple)
        x: Tensor = self.head(functional.pixel_unshuffle(padded - GREY, 2))
        seen = []
        for depth, blocks in enumerate(self.down):
            x = self.coarser[depth - 1](x) if depth else x
            x = blocks(x)
            seen.append(x)
        for depth in reversed(range(len(seen))):
            if depth + 1 < len(seen):
                x = seen[depth] + functional.pixel_shuffle(self.finer[depth](x), 2)
            x = self.up[depth](x, temperature, generator)
        out = GREY + functional.pixel_shuffle(self.tail(x), 2)
        return out[..., :height, :width].to(y.dtype)

    def extra_repr(self) -> str:
        """What weights do not say: what it was trained for."""
        return repr(self.architecture)

    def domain(self) -> Domain:
        """Images with its number of channels."""
        return Domain(channels=(self.architecture.channels,))


class Block(nn.Module):
    """x + conv(relu(conv(x)))."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(width, width, 3, padding=1)
        self.second = nn.Conv2d(width, width, 3, padding=1)
        with torch.no_grad():
            self.second.weight.mul_(STRENGTH)

    def forward(self, x: Tensor) -> Tensor:
        """`(B, width, h, w)` to the same."""
        out: Tensor = x + self.second(functional.relu(self.first(x)))
        return out


class NoisyBlock(nn.Module):
    """x + conv(relu(conv(x) + strength * noise))."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(width, width, 3, padding=1)
        self.second = nn.Conv2d(width, width, 3, padding=1)
        self.strength = nn.Parameter(torch.full((width, 1, 1), STRENGTH))
        with torch.no_grad():
            self.second.weight.mul_(STRENGTH)

    def forward(self, x: Tensor, temperature: float, generator: Generator) -> Tensor:
        """`(B, width, h, w)` to the same."""
        hidden = self.first(x)
        if temperature:
            noise = torch.randn(hidden.shape, generator=generator, device=generator.device)
            hidden = torch.addcmul(hidden, self.strength, temperature * noise.to(hidden))
        out: Tensor = x + self.second(functional.relu(hidden))
        return out


class NoisyBlocks(nn.Module):
    """Some of them, one after the other."""

    def __init__(self, width: int, count: int) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(NoisyBlock(width) for _ in range(count))

    def forward(self, x: Tensor, temperature: float, generator: Generator) -> Tensor:
        """`(B, width, h, w)` to the same."""
        for block in self.blocks:
            x = block(x, temperature, generator)
        return x
