"""How bright a measurement is: whether it is in the unit of images in [0, 1], as it should be.

Values far above those that a likelihood makes of a white image are of another unit, 0..255 for
example, if they are many. If they are few, among others that are right, they are what they seem to
be: a point target of a radar, a star, a dead pixel. No network knows such pixels, and one of them
spoils the image as far as the network sees; so they have to be left out, by a mask.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from .errors import InputError
from .operators.structure import observed
from .streams import generator

FEW = 1e-3
"""At most this share of the pixels is few."""


def measured(likelihood: object, y: Tensor, /) -> Tensor:
    """The size of each entry of y, and 0 where it was never measured."""
    seen = observed(getattr(likelihood, "operator", None), tuple(y.shape[1:]))
    return torch.where(seen.to(y.device).bool(), y.abs(), 0)


def few_above(likelihood: object, y: Tensor, limit: float, /) -> int:
    """How many entries are above a limit; 0 if these are not few."""
    count = int((measured(likelihood, y) > limit).sum())
    return count if count <= FEW * y.numel() else 0


def refuse_few_above(likelihood: object, y: Tensor, limit: float, /) -> None:
    """Raise `InputError` if few entries of y are above a limit, which the others are not."""
    if not (count := few_above(likelihood, y, limit)):
        return
    most = float(measured(likelihood, y).max())
    pixels = "1 entry is" if count == 1 else f"{count} entries are"
    raise InputError(
        f"{pixels} far above white, up to {most:.4g}, and the other {y.numel() - count} of y are "
        "not; no network knows such an image: leave them out, Mask((y.abs() < "
        f"{limit:.4g}).all(0)) before the noise, or say what is white if they are no exception",
        typed="-A mask:file=mask.png, black where they are; or --white NUMBER, the file's value "
        "that means 1",
    )


def bright_images(white: Tensor, /) -> Iterator[Tensor]:
    """A white image, a half white one, and one of black and white pixels at random.

    Some operators make nothing of what is even: differences, or waves without the first.
    """
    yield white
    yield white * (torch.arange(white.shape[-1]) < white.shape[-1] // 2).to(white)
    yield torch.rand(white.shape, generator=generator(1)).round().to(white)
