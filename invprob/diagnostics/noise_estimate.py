"""What is known of an image's noise, and in words."""

from __future__ import annotations

import math

from attrs import field, frozen
from torch import Tensor

from ..contracts import Likelihood
from .noise_laws import Law

WHITE, NEARLY, BESIDE = 1.4, 2.1, 0.01
"""Pixels so far apart are noisier than neighbours say by less than this factor, and this much (in
squares), if noise is white: what photographs in which nothing is smooth were seen to reach. The
second is for brightness alone, of which compression leaves more texture than noise: levels of
photographs in which there was more were up to ten times too low, of others a third at most."""
POOR, POOR_COMPRESSED = 0.12, 0.3
"""A misfit that is more than errors of noise levels; where compression took of the noise, too."""
TOLD = 0.01
"""So many pixels at the ends are worth a line."""
BLACK = -0.02
"""Darker is no error of a brightness."""


@frozen(eq=False)
class NoiseEstimate:
    """The noise of an image.

    Attributes:
        sigma: the root mean square of the noise, in the unit of the image.
        brightness: mean brightness of each band of it that tells something, `(n,)`.
        sd: the noise there, `(n,)`.
        apart: sigma of every third pixel alone; None in images of less than 96 x 96. Where it is
            more, the noise is not white, and this is what it is nearly.
        laws: which laws of noise would explain that, the most plausible first.
        error: how far the brightness of a pixel is known.
        coarse_colours: whether the colours are stored more coarsely than the brightness, as in
            JPEG files: all of this is then found from the brightness, for each channel.
        cut: the share of pixels at 0 and 1 where none is beyond: their noise was cut off. If they
            are many, sigma is that of the bands.
        typed: what `-l` takes: the best law; for photon counts the nearest one that can have made
            the very numbers of the measurement.
    """

    sigma: float
    brightness: Tensor
    sd: Tensor
    apart: float | None
    laws: tuple[Law, ...] = field(repr=False)
    error: float = field(repr=False)
    coarse_colours: bool = False
    cut: float = 0.0
    typed: str = ""

    @property
    def best(self) -> Law:
        """The most plausible law."""
        return self.laws[0]

    @property
    def likelihood(self) -> Likelihood:
        """The noise model that `typed` says, for `Problem(prior, found.likelihood, y)`."""
        from ..catalogue import catalogue

        name, _, options = self.typed.partition(":")
        values = dict(option.split("=") for option in options.split(","))
        made: Likelihood = catalogue().likelihoods[name](
            **{key: float(value) for key, value in values.items()}
        )
        return made

    @property
    def is_white(self) -> bool:
        """Whether pixels that are apart are not noisier than neighbours seem, or hardly."""
        factor = NEARLY if self.coarse_colours else WHITE
        return self.apart is None or self.apart < math.hypot(factor * self.sigma, BESIDE)

    @property
    def is_explained(self) -> bool:
        """Whether the best law explains the noise levels."""
        poor = POOR_COMPRESSED if self.coarse_colours else POOR
        return len(self.laws) == 1 or self.best.misfit <= poor

    @property
    def in_unit(self) -> bool:
        """Whether such levels are of images in [0, 1]."""
        return self.sigma <= 1 and float(self.brightness.min()) >= BLACK

    @property
    def is_usable(self) -> bool:
        """Whether the best law is worth a try."""
        return self.is_white and self.is_explained and self.in_unit

    def __str__(self) -> str:
        """A small table."""
        lines = [
            f"noise of {self.sigma:.3g} (root mean square; the image is in [0, 1])",
            "brightness " + " ".join(f"{float(value):7.3f}" for value in self.brightness),
            "noise      " + " ".join(f"{float(value):7.4f}" for value in self.sd),
            *(str(law) for law in self.laws),
        ]
        if self.cut >= TOLD:
            lines.append(
                f"{self.cut:.1%} of all pixels are at the ends, 0 or 1, where noise was cut off: "
                "they say nothing, and a brightness with many of them is left out."
            )
        if self.coarse_colours:
            lines.append(
                "The colours are stored more coarsely than the brightness (JPEG): this is what "
                "the brightness says of the noise that each channel had."
            )
        if len(self.laws) == 1:
            lines.append("Brightness varies too little to tell laws of noise apart.")
        elif not self.is_explained:
            lines.append(
                "None of these laws explains the noise levels well: what is known of the "
                "instrument is a better guide."
            )
        if not self.in_unit:
            lines.append(
                "Such levels are of no image in [0, 1]: say which values of it are black and "
                "white (--black, --white); a few may lie beyond."
            )
        if not self.is_white:
            lines.append(
                f"The noise is not white: every third pixel has {self.apart:.3g}. It was "
                "filtered, enlarged or compressed, which these laws do not know."
            )
        return "\n".join(lines)
