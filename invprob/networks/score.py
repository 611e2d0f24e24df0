r"""A network for ∇ log p(y), the score of noisy images.

It answers in coordinates z of the measurement in which noise is white and of one level sigma
(`networks.coordinates`), through a denoiser: for noise that is Gaussian there,

    s(z) = (D(z) - z) / sigma²,        D(z) = the mean of all clean z that may be behind it,

so a network D that begins as "a blurred z" begins as the score of images whose noise has the right
level, and has only image structure to learn. For another law of the noise (`networks.noise_law`)
it is s(z) = ψ(z - D(z)). The form is no restriction: D is whatever makes s the score, and stays of
the size of an image. The exact change of variables takes s back to y.

**Perturbed images.** Training looks at z + a u, whose noise has a law of its own,

    s_a(z) = ψ_a(z - D(z)),        for Gaussian noise  (D(z) - z) / (sigma² + a²).

D is not told a. Like every blind denoiser it sees how noisy an image is, and a patch shows it far
better than a number that hardly varies could. That is what lets it be asked at a = 0, below all
that it was trained at: what is extrapolated is a denoiser to slightly less noise, and never the
score, which depends on a as is known.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from functools import partial

import attrs
import torch
from attrs import field, frozen
from torch import Tensor, nn

from ..contracts import Domain
from ..errors import InputError
from .coordinates import Coordinates
from .denoiser import Architecture as DenoiserArchitecture
from .denoiser import Denoiser
from .noise_law import law_score
from .tiles import Tile, in_pieces


def _integers(values: Iterable[int]) -> tuple[int, ...]:
    return tuple(int(value) for value in values)


@frozen
class Architecture:
    """What a score network looks like; a weight file carries it.

    Args:
        channels: of an image.
        coordinates: in which the noise is even.
        widths: channels of the network at 1/2, 1/4 and 1/8 resolution.
        before: residual blocks at each resolution on the way down.
        after: residual blocks at 1/2 and 1/4 resolution on the way up.
        noise: the noise model, in words.

    Raises:
        InputError: a number that can't be.
    """

    channels: int
    coordinates: Coordinates
    widths: tuple[int, ...] = field(default=(48, 64, 96), converter=_integers)
    before: tuple[int, ...] = field(default=(2, 1, 1), converter=_integers)
    after: tuple[int, ...] = field(default=(2, 1), converter=_integers)
    noise: str = ""

    def __attrs_post_init__(self) -> None:
        self.of_denoiser()  # which checks the numbers

    def of_denoiser(self) -> DenoiserArchitecture:
        """The architecture of D."""
        return DenoiserArchitecture((self.channels,), self.widths, self.before, self.after)

    def to_json(self) -> str:
        """As text, for a weight file."""
        return json.dumps(attrs.asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Architecture:
        """The inverse of `to_json`; `InputError` if the text describes none."""
        try:
            parts = json.loads(text)
            if not isinstance(parts, Mapping):
                raise ValueError("no object")
            return cls(**{**parts, "coordinates": Coordinates(**parts["coordinates"])})
        except (TypeError, ValueError, KeyError) as error:
            raise InputError(f"{text!r} describes no score network: {error}") from error


class ScoreNetwork(nn.Module):
    """∇ log p(y) of noisy images.

    Weights are drawn from torch's global generator, as those of any module.

    Args:
        architecture: channels, coordinates, widths and depths.

    Example:
        >>> z = Coordinates(0.0, (0.01, 0.0, 0.0), 10.0, 0.1)
        >>> network = ScoreNetwork(Architecture(1, z, (8, 8, 8)))
        >>> network(torch.full((1, 1, 16, 16), 0.5)).shape
        torch.Size([1, 1, 16, 16])
    """

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        self.architecture = architecture
        self.denoiser = Denoiser(architecture.of_denoiser())

    @property
    def coordinates(self) -> Coordinates:
        """In which the noise is even."""
        return self.architecture.coordinates

    def forward(self, y: Tensor, tile: Tile = None) -> Tensor:
        """∇ log p(y).

        Args:
            y: measurements `(B, C, H, W)`.
            tile: the side of the tiles in which D sees large ones, see `networks.tiles`; a filter
                is undone on the whole image all the same.

        Raises:
            InputError: y has another number of channels, or tile is too small.
        """
        if y.ndim != 4 or y.shape[1] != self.architecture.channels:
            raise InputError(
                f"y has shape {tuple(y.shape)}, and this score was learned from images"
                f" (B, {self.architecture.channels}, H, W)"
            )
        z = self.coordinates.forward(y)
        s = in_pieces(partial(self.perturbed, a=0.0), self.denoiser, z, tile)
        return self.coordinates.score(y, s)

    def perturbed(self, z: Tensor, a: Tensor | float) -> Tensor:
        """The score s_a of z + a u.

        Args:
            z: even coordinates, `(B, C, H, W)`, already perturbed.
            a: the standard deviation of the perturbation, `(B, 1, 1, 1)` or a number.
        """
        told = torch.tensor(self.coordinates.sigma * math.sqrt(1.5), device=z.device)
        clean: Tensor = self.denoiser(z, told).to(z.dtype)
        return law_score(self.coordinates.law, z - clean, a)

    def extra_repr(self) -> str:
        """What weights do not say: the coordinates."""
        return repr(self.architecture)

    def domain(self) -> Domain:
        """Images with its number of channels."""
        return Domain(channels=(self.architecture.channels,))
