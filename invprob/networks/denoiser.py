r"""The denoising network: convolutions, one set of weights for every noise level.

Of the embedded ones one takes photographs in colour and one gray ones; others can be trained for
images with any number of channels, or for colour and gray at once (`invprob train denoiser`).

It answers E[x₀ | x₀ + sigma n = y], the minimum mean squared error denoiser. The parts:

**Half resolution.** Like FFDNet (Zhang, Zuo, Zhang 2018) it folds 2x2 pixels into channels first
(`pixel_unshuffle`), so that dense 3x3 convolutions see twice as far at a quarter of the cost.

**A shallow U.** Most residual blocks work at 1/2 resolution, where texture is; some at 1/4 and
1/8, so that strong noise is averaged over a large neighbourhood. The skips add.

**Preconditioning** (Karras et al. 2022, section 5). With `sd` the spread of pixels about 1/2,

    D(y; sigma) = 1/2 + c_skip (y - 1/2) + c_out F((y - 1/2) c_in, sigma),
    c_in = 1 / sqrt(sigma² + sd²),   c_skip = sd² c_in²,   c_out = sd (sigma c_in)^p.

Textbook preconditioning is p = 1. Then F must answer with noise of unit size, which at a small
sigma is a faint part of its input, so its gain has to follow 1 / sigma. With p = 0 the gain is
steady, but F's last digits matter at a small sigma. The network was built with p = 1/2, between
the two; other values were not trained to the end, so nothing here says that it is the best.

**Noise level.** Between the two convolutions of each block every channel gets a gain and an offset
that are smooth functions of log sigma (feature-wise modulation, Perez et al. 2018): a threshold
can follow the noise, which an input channel alone makes hard.

**Borders** are reflected at every convolution. Zeros would tell the network where the border is,
and long sampling chains drift there.

References: Zhang, Zuo, Zhang, FFDNet, 2018, https://arxiv.org/abs/1710.04026. Karras, Aittala,
Aila, Laine, Elucidating the design space of diffusion-based generative models, 2022,
https://arxiv.org/abs/2206.00364. Perez et al., FiLM, 2018, https://arxiv.org/abs/1709.07871.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable

import attrs
import torch
from attrs import field, frozen
from torch import Tensor, nn
from torch.nn import functional

from ..errors import InputError
from .padding import pad_to_multiple

SIGMA_RANGE = (0.002, 10.0)
"""The noise levels that the network is trained for, images being in [0, 1]."""

PIXEL_SPREAD = 0.25
"""`sd`: the standard deviation of a natural image's pixels about 1/2."""

OUTPUT_POWER = 0.5
"""`p` above: D tends to y as sigma tends to 0, however rough F is."""

KNOTS = 16
"""How many bumps over log sigma make up each gain."""

COARSEST = 8
"""The network folds this many pixels into one at its coarsest stage."""


def _integers(values: Iterable[int]) -> tuple[int, ...]:
    return tuple(int(value) for value in values)


@frozen
class Architecture:
    """What a denoiser looks like; a weight file carries it.

    Args:
        channels: the channel counts of the images that it takes, one head and one tail for each.
        widths: channels at 1/2, 1/4 and 1/8 resolution.
        before: residual blocks at each resolution on the way down.
        after: residual blocks at 1/2 and 1/4 resolution on the way up.

    Raises:
        InputError: a number that can't be.

    >>> Architecture(channels=(4,)).widths
    (96, 128, 128)
    """

    channels: tuple[int, ...] = field(default=(1, 3), converter=_integers)
    widths: tuple[int, ...] = field(default=(96, 128, 128), converter=_integers)
    before: tuple[int, ...] = field(default=(2, 2, 2), converter=_integers)
    after: tuple[int, ...] = field(default=(2, 1), converter=_integers)

    def __attrs_post_init__(self) -> None:
        lengths = (len(self.widths), len(self.before), len(self.after))
        if lengths != (3, 3, 2) or min(self.widths) < 1 or min(self.before + self.after) < 0:
            raise InputError(
                f"widths={self.widths}, before={self.before}, after={self.after}: give channels"
                " at three resolutions, such as (96, 128, 128), and blocks, (2, 2, 2) and (2, 1)"
            )
        if not self.channels or min(self.channels) < 1:
            raise InputError(f"channels={self.channels}: give channel counts, such as (1, 3)")

    def to_json(self) -> str:
        """As text, for a weight file."""
        return json.dumps(attrs.asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Architecture:
        """The inverse of `to_json`; `InputError` if the text describes none.

        >>> Architecture.from_json(Architecture((4,)).to_json()).channels
        (4,)
        """
        try:
            return cls(**json.loads(text))
        except (TypeError, ValueError) as error:
            raise InputError(f"{text!r} describes no denoiser: {error}") from error


class Denoiser(nn.Module):
    """A noisy image and its noise level to the posterior mean.

    Weights are drawn from torch's global generator, as those of any module.

    Args:
        architecture: channel counts, widths and depths.

    Example:
        >>> network = Denoiser(Architecture(widths=(8, 8, 8)))
        >>> network(torch.full((2, 3, 20, 13), 0.5), torch.tensor([0.1, 0.5])).shape
        torch.Size([2, 3, 20, 13])
    """

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        self.architecture = architecture
        channels, before, after = architecture.channels, architecture.before, architecture.after
        fine, middle, coarse = architecture.widths
        self.heads = nn.ModuleDict({str(c): _convolution(4 * c, fine) for c in channels})
        self.down_fine = _blocks(fine, before[0])
        self.to_middle = nn.Conv2d(fine, middle, 2, stride=2, bias=False)
        self.down_middle = _blocks(middle, before[1])
        self.to_coarse = nn.Conv2d(middle, coarse, 2, stride=2, bias=False)
        self.bottom = _blocks(coarse, before[2])
        self.from_coarse = nn.Conv2d(coarse, 4 * middle, 1, bias=False)
        self.up_middle = _blocks(middle, after[1])
        self.from_middle = nn.Conv2d(middle, 4 * fine, 1, bias=False)
        self.up_fine = _blocks(fine, after[0])
        self.last_gain = nn.Linear(KNOTS + 2, 2 * fine)
        self.tails = nn.ModuleDict({str(c): _convolution(fine, 4 * c) for c in channels})
        nn.init.zeros_(self.last_gain.weight)
        nn.init.zeros_(self.last_gain.bias)
        for tail in self.tails.values():
            nn.init.zeros_(_weight(tail))
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def forward(self, x: Tensor, sigma: Tensor) -> Tensor:
        """The denoised image.

        Args:
            x: noisy images `(B, C, H, W)`, floating point, any H and W.
            sigma: noise level, `()` or `(B,)`, in the image's unit; clamped to `SIGMA_RANGE`.

        Returns:
            `(B, C, H, W)`, in the precision of `x`.

        Raises:
            InputError: `x` has another number of axes or channels.
        """
        if x.ndim != 4 or str(x.shape[1]) not in self.heads:
            shapes = " or ".join(f"(B, {c}, H, W)" for c in self.architecture.channels)
            raise InputError(
                f"The denoiser takes images of shape {shapes}, got {tuple(x.shape)}: it was"
                " trained on no others. Select or merge channels first, for example x[:, :3], or"
                " x.mean(1, keepdim=True)."
            )
        level = sigma.to(x).clamp(*SIGMA_RANGE).expand(x.shape[0])
        height, width = x.shape[-2:]
        centred = pad_to_multiple(x, COARSEST, 2) - 0.5
        scale = level.view(-1, 1, 1, 1)
        c_in = (scale.square() + PIXEL_SPREAD**2).rsqrt()
        c_out = PIXEL_SPREAD * (scale * c_in) ** OUTPUT_POWER
        residual = self.residual(centred * c_in, level).to(x.dtype)
        out = 0.5 + centred * (PIXEL_SPREAD * c_in).square() + c_out * residual
        return out[..., :height, :width]

    @property
    def reach(self) -> int:
        """How far the network sees, in pixels, up and down and to either side.

        A 3x3 convolution sees one pixel further at its own resolution; a block has two. Up to 7
        pixels come from where in a pixel of the coarsest stage the outermost one lies.
        """
        fine = 2 * (len(self.down_fine) + len(self.up_fine)) + 2
        middle = 2 * (len(self.down_middle) + len(self.up_middle))
        return 2 * fine + 4 * middle + 8 * 2 * len(self.bottom) + COARSEST - 1

    @property
    def grid(self) -> int:
        """A cut of an image that begins at a multiple of this has the same coarse pixels."""
        return COARSEST

    def residual(self, u: Tensor, sigma: Tensor) -> Tensor:
        """F: scaled images `(B, C, H, W)`, H and W multiples of 8, in the weights' precision."""
        channels = str(u.shape[1])
        head = self.heads[channels]
        precision = self.last_gain.weight.dtype
        gains = level_features(sigma).to(precision)
        folded = functional.pixel_unshuffle(u.to(_weight(head).dtype), 2)
        start = head(folded.contiguous(memory_format=torch.channels_last))
        if precision != _weight(head).dtype:  # autocast chooses for itself
            start = start.to(precision)
        fine = _run(self.down_fine, start, gains)
        middle = _run(self.down_middle, self.to_middle(fine), gains)
        coarse = _run(self.bottom, self.to_coarse(middle), gains)
        middle = middle + functional.pixel_shuffle(self.from_coarse(coarse), 2)
        middle = _run(self.up_middle, middle, gains)
        fine = fine + functional.pixel_shuffle(self.from_middle(middle), 2)
        fine = _modulate(_run(self.up_fine, fine, gains), self.last_gain(gains))
        out: Tensor = functional.pixel_shuffle(self.tails[channels](fine), 2)
        return out


class Block(nn.Module):
    """x + conv(relu(gain(sigma) conv(x) + offset(sigma)))."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = _convolution(width, width)
        self.gain = nn.Linear(KNOTS + 2, 2 * width)
        self.second = _convolution(width, width)
        nn.init.zeros_(self.gain.weight)
        nn.init.zeros_(self.gain.bias)
        with torch.no_grad():
            self.second.weight.mul_(0.3)

    def forward(self, x: Tensor, gains: Tensor) -> Tensor:
        """`(B, width, H, W)` to the same, given `level_features` `(B, KNOTS + 2)`."""
        hidden = _modulate(self.first(x), self.gain(gains))
        out: Tensor = x + self.second(functional.relu(hidden, inplace=True))
        return out


def level_features(sigma: Tensor) -> Tensor:
    """What the gains are linear in: a line and bumps over log sigma, and the noise's share.

    Args:
        sigma: `(B,)`, within `SIGMA_RANGE`.

    Returns:
        `(B, KNOTS + 2)`, every entry within [-1, 1].
    """
    low, high = (math.log(bound) for bound in SIGMA_RANGE)
    place = (sigma.float().log() - low) / (high - low) * (KNOTS - 1)
    knots = torch.arange(KNOTS, device=sigma.device, dtype=torch.float32)
    bumps = torch.exp(-0.5 * (place[:, None] - knots).square())
    share = sigma.float() / (sigma.float().square() + PIXEL_SPREAD**2).sqrt()
    line = place * (2 / (KNOTS - 1)) - 1
    return torch.cat([line[:, None], share[:, None], bumps], dim=1)


def _modulate(x: Tensor, gain_and_offset: Tensor) -> Tensor:
    gain, offset = gain_and_offset.to(x.dtype)[:, :, None, None].chunk(2, dim=1)
    return torch.addcmul(offset, x, 1 + gain)


def _convolution(inputs: int, outputs: int) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, 3, padding=1, padding_mode="reflect", bias=False)


def _blocks(width: int, count: int) -> nn.ModuleList:
    return nn.ModuleList(Block(width) for _ in range(count))


def _run(blocks: nn.ModuleList, x: Tensor, gains: Tensor) -> Tensor:
    for block in blocks:
        x = block(x, gains)
    return x


def _weight(module: nn.Module) -> Tensor:
    weight = module.weight
    if not isinstance(weight, Tensor):
        raise TypeError(f"{type(module).__name__} has no weight tensor")
    return weight
