r"""Glow: an invertible network that turns images into white noise, so their density is known.

With z = f(x) invertible and z ~ N(0, I), the density of x is exact (change of variables):

    log p(x) = log N(f(x); 0, I) + log |det ∂f/∂x|.

f has a few levels. Each folds 2x2 pixels into channels and applies K steps of ActNorm, mixing and
coupling (`invertible`). Half of the channels then leave as latents, the rest goes to the next
level. Latents that leave are first standardised given those that stay, by one more coupling: what
Glow calls a learned prior of each level. So z is a standard normal throughout, in the image's
shape, each latent at its pixels. An axis of length 1 is not folded: a signal is an image of one
row.

**Levels of gray and the unit.** A density needs a continuum, and image files hold 2^b levels k.
Training adds uniform noise of one level's width, u = k + U with U ~ U(0, 1) (`training.flow`);
-log p of such an image, averaged over U, bounds the bits needed to store it. The centre of level
k is the image value x = k / (2^b - 1), so that black is 0 and white is 1. The network's own
coordinate is Glow's,

    c = u / 2^b - 1/2 = (1 - 2^-b) (x - 1/2),      in [-1/2, 1/2],

and log |det| counts this scaling too: `encode` and densities are in the unit of images in [0, 1].
Few levels make a smoother density. With b = 8 black pixels are a ridge 1/255 wide, hard to climb
for a gradient; b = 5 is what Glow's faces were trained with, and a good choice for restoration.

References: Kingma, Dhariwal, Glow: generative flow with invertible 1x1 convolutions, 2018,
https://arxiv.org/abs/1807.03039. Theis, van den Oord, Bethge, A note on the evaluation of
generative models, 2016, https://arxiv.org/abs/1511.01844 (dequantisation).
"""

from __future__ import annotations

import json
import math
from typing import Any, cast

import attrs
import torch
from attrs import field, frozen
from torch import Tensor, nn

from ..contracts import Domain, Shape
from ..errors import InputError
from .invertible import ActNorm, Coupling, Mixing, convolutions, fold, unfold, zero_convolution

PIXELS_AT_ONCE = 2**19
"""Batches are cut so that the network sees at most this many pixels at once (or one image)."""


def _integers(values: Any) -> tuple[int, ...]:
    return tuple(int(value) for value in values)


@frozen
class Architecture:
    """What a Glow looks like; a weight file carries it.

    Args:
        shape: of an image, `(C, H, W)`.
        depths: steps at each level, finest first; H and W must be multiples of 2^levels, or 1.
        width: hidden channels of each coupling's network.
        bits: images have 2^bits levels of gray in training, 1 to 16.

    Raises:
        InputError: a number is out of range, or the shape can't be folded that often.

    >>> Architecture((1, 28, 28), depths=(8, 16)).folds
    ((2, 2), (2, 2))
    """

    shape: Shape = field(converter=_integers)
    depths: tuple[int, ...] = field(default=(8, 16), converter=_integers)
    width: int = 96
    bits: int = 5

    def __attrs_post_init__(self) -> None:
        if len(self.shape) != 3 or min(self.shape) < 1:
            raise InputError(f"shape={self.shape}: give (C, H, W), for example (1, 28, 28)")
        if not self.depths or min(self.depths) < 1:
            raise InputError(
                f"depths={self.depths}: give the steps of each level, such as (8, 16)"
            )
        if self.width < 1 or not 1 <= self.bits <= 16:
            raise InputError(
                f"width={self.width}, bits={self.bits}: width must be at least 1, and bits within"
                " 1..16"
            )
        multiple = 2 ** len(self.depths)
        height, width = self.shape[1:]
        if any(n > 1 and n % multiple for n in (height, width)) or height == width == 1:
            raise InputError(
                f"images of {height} x {width} pixels can't be folded in halves {len(self.depths)}"
                f" times: give a height and width that are multiples of {multiple} (cut or pad the"
                " images), or fewer levels in depths"
            )

    @property
    def folds(self) -> tuple[tuple[int, int], ...]:
        """How many pixels each level folds into one, down and across."""
        factors = (1 if self.shape[1] == 1 else 2, 1 if self.shape[2] == 1 else 2)
        return (factors,) * len(self.depths)

    @property
    def pixels(self) -> int:
        """How many numbers make up an image."""
        return math.prod(self.shape)

    def to_json(self) -> str:
        """As text, for a weight file."""
        return json.dumps(attrs.asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Architecture:
        """The inverse of `to_json`; `InputError` if the text describes none.

        >>> Architecture.from_json(Architecture((1, 4, 4), (2,)).to_json()).depths
        (2,)
        """
        try:
            return cls(**json.loads(text))
        except (TypeError, ValueError) as error:
            raise InputError(f"{text!r} describes no Glow: {error}") from error


class Glow(nn.Module):
    """The network: images to standard normal latents and back.

    Computes in the precision of its weights; results have the precision of what came in. Weights
    are drawn from torch's global generator, as those of any module: call `torch.manual_seed`.

    Args:
        architecture: shape of the images, levels, steps, width, levels of gray.

    Example:
        >>> flow = Glow(Architecture((1, 4, 4), depths=(2, 1), width=8))
        >>> x = torch.linspace(0, 1, 32).reshape(2, 1, 4, 4)
        >>> z, log_det = flow.encode(x)
        >>> z.shape, log_det.shape
        (torch.Size([2, 1, 4, 4]), torch.Size([2]))
        >>> bool(torch.allclose(flow.decode(z), x, atol=1e-5))
        True
    """

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        self.architecture = architecture
        self.levels, self.ends = nn.ModuleList(), nn.ModuleList()
        channels = architecture.shape[0]
        for depth, factors in zip(architecture.depths, architecture.folds, strict=True):
            channels *= math.prod(factors)
            layers: list[nn.Module] = []
            for _ in range(depth):
                coupling = Coupling(convolutions(channels, architecture.width))
                layers += [ActNorm(channels), Mixing(channels), coupling]
            self.levels.append(nn.ModuleList(layers))
            self.ends.append(Coupling(zero_convolution(channels // 2, channels)))
            channels //= 2
        self.ends[-1] = ActNorm(2 * channels)

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """The latents of images.

        Args:
            x: `(B, C, H, W)`, the shape of the architecture; any values, in the unit of [0, 1].

        Returns:
            z `(B, C, H, W)`, standard normal, and log |det ∂z/∂x| `(B,)`, in x's precision.

        Raises:
            InputError: x has another shape.
        """
        self._check(x, "x")
        rows = torch.split(x.to(self._precision), self._at_once)
        z, log_det = zip(*(self._encode(some) for some in rows), strict=True)
        return torch.cat(z).to(x.dtype), torch.cat(log_det).to(x.dtype)

    def decode(self, z: Tensor) -> Tensor:
        """The images of latents.

        Args:
            z: `(B, C, H, W)`, as `encode` gives it.

        Returns:
            x `(B, C, H, W)` in z's precision, within half a level of [0, 1] for plausible z.

        Raises:
            InputError: z has another shape.
        """
        self._check(z, "z")
        rows = torch.split(z.to(self._precision), self._at_once)
        return torch.cat([self._decode(some) for some in rows]).to(z.dtype)

    @torch.no_grad()
    def initialise(self, x: Tensor) -> None:
        """Set every ActNorm by a batch of training images `(B, C, H, W)`, one after the other."""
        self._check(x, "x")
        self._encode(x.to(self._precision), initialise=True)

    def domain(self) -> Domain:
        """The images that it takes: those of its architecture's shape."""
        shape = self.architecture.shape
        return Domain(channels=shape[:1], shape=shape, unit_range=True)

    def _encode(self, x: Tensor, initialise: bool = False) -> tuple[Tensor, Tensor]:
        h, left = self._scale * (x - 0.5), []
        log_det = x.new_full(x.shape[:1], self.architecture.pixels * math.log(self._scale))
        last = len(self.levels) - 1
        for level, factors in enumerate(self.architecture.folds):
            h = fold(h, factors)
            for layer in self._layers(level):
                if initialise and isinstance(layer, ActNorm):
                    layer.initialise(h)
                h, change = layer(h)
                log_det = log_det + change
            if level < last:
                h, latents = h.chunk(2, 1)
                left.append(latents)
        z = unfold(h, self.architecture.folds[last])
        for level in reversed(range(last)):
            z = unfold(torch.cat([z, left[level]], 1), self.architecture.folds[level])
        return z, log_det

    def _decode(self, z: Tensor) -> Tensor:
        h, left = z, []
        for factors in self.architecture.folds[:-1]:
            h, latents = fold(h, factors).chunk(2, 1)
            left.append(latents)
        h = fold(h, self.architecture.folds[-1])
        for level in reversed(range(len(self.levels))):
            if level < len(left):
                h = torch.cat([h, left[level]], 1)
            for layer in reversed(self._layers(level)):
                h = layer.inverse(h)
            h = unfold(h, self.architecture.folds[level])
        return h / self._scale + 0.5

    def _layers(self, level: int) -> list[Any]:
        return [*cast(nn.ModuleList, self.levels[level]), self.ends[level]]

    @property
    def _scale(self) -> float:
        """dc/dx."""
        return float(1 - 2.0**-self.architecture.bits)

    @property
    def _at_once(self) -> int:
        return max(1, PIXELS_AT_ONCE // self.architecture.pixels)

    @property
    def _precision(self) -> torch.dtype:
        return next(self.parameters()).dtype

    def _check(self, x: Tensor, name: str) -> None:
        if x.shape[1:] != self.architecture.shape:
            wanted = ", ".join(map(str, self.architecture.shape))
            raise InputError(
                f"{name} has shape {tuple(x.shape)}, and this flow was made for (B, {wanted}):"
                " resize, cut or pad the images, for one image type x[None]"
            )
