"""Refusing what can't be: parameters of a noise model, and measurements outside its support."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from ..arrays import plain
from ..contracts import LinearOperator
from ..counts import real
from ..errors import InputError
from ..streams import generator

DARKEST = 1e-6
"""Where a formula divides by the brightness of a pixel, a pixel counts as at least this bright."""


def positive(value: object, name: str, meaning: str, /) -> float:
    """A positive finite number; `InputError`, which says what it means, for anything else.

    >>> positive(26, "alpha", "the number of looks")
    26.0
    """
    number = real(value, name, meaning)
    if not (math.isfinite(number) and number > 0):
        raise InputError(f"{name}={number:.4g}: it is positive and finite; give {meaning}")
    return number


LOUDEST = 10.0
"""A noise level above this is no level for images in [0, 1], but one for 0..255."""


def a_level(value: object, name: str, meaning: str, /) -> float:
    """A noise level in units of the image: positive, and at most `LOUDEST`.

    >>> a_level(0.1, "sigma", "a noise level")
    0.1
    """
    number = positive(value, name, meaning)
    if number > LOUDEST:
        raise InputError(too_loud(name, number))
    return number


def too_loud(name: str, number: float, /, where: str = "") -> str:
    """What to say of a noise level that is too large."""
    return (
        f"{name}={number:.4g}{where}: images live in [0, 1], and this noise would drown any; if "
        f"it is on the scale 0..255, give {name}={number:.4g} / 255"
    )


def noise_levels(value: Tensor | float, /) -> Tensor | float:
    """Noise levels: a positive number, or a tensor of them; `InputError` for anything else."""
    try:
        if isinstance(value, str):
            raise TypeError("it is a text")
        given = plain(value)
        if torch.as_tensor(given).dtype == torch.bool:
            raise TypeError("it is true or false")
        level = torch.as_tensor(given, dtype=torch.float64).detach().to("cpu", copy=True)
    except (TypeError, ValueError, RuntimeError) as error:
        raise InputError(f"sigma={value!r} is neither a number nor a tensor: {error}") from None
    bad = ~(torch.isfinite(level) & (level > 0))
    if bool(bad.any()):
        where = f" at index {tuple(bad.nonzero()[0].tolist())}" if level.ndim else ""
        raise InputError(
            f"sigma={float(level[bad][0]):.4g}{where}: a noise level is a positive number, for "
            "images in [0, 1]; for data without noise give a small one, sigma=1e-3, and for "
            "pixels that were not measured Gaussian(sigma, operator=Mask(mask))",
            typed="-l gaussian:sigma=0.001, and -A mask:file=mask.png for pixels not measured",
        )
    if level.numel() == 0:
        raise InputError(f"sigma has shape {tuple(level.shape)}: it is empty")
    return float(level.flatten()[0]) if level.numel() == 1 else level


def refuse_loud(sigma: Tensor | float, /) -> None:
    """Raise `InputError` for a noise level that is none of images in [0, 1]."""
    level = torch.as_tensor(sigma)
    loud = level > LOUDEST
    if bool(loud.any()):
        where = f" at index {tuple(loud.nonzero()[0].tolist())}" if level.ndim else ""
        raise InputError(too_loud("sigma", float(level[loud][0]), where))


def refuse_louder_than(operator: LinearOperator, sigma: Tensor | float, image: Tensor, /) -> None:
    """Raise `InputError` for a noise level far above what an operator makes of images.

    Args:
        operator: H.
        sigma: in units of y.
        image: `(1, *image)`, whose shape, dtype and device count.
    """
    largest = float(torch.as_tensor(sigma).max())
    if largest <= LOUDEST:
        return
    random = torch.rand(image.shape, generator=generator(0), dtype=image.dtype).to(image)
    both = torch.cat([torch.ones_like(image), random])
    made = float(operator.forward(both).abs().max())
    if largest > LOUDEST * made:
        raise InputError(
            f"sigma={largest:.4g}, but {operator!r} makes at most about {made:.4g} of images in "
            "[0, 1], and this noise would drown any; sigma is in the unit of y"
        )


HALF_A_LEVEL = 1 / 510
"""Half a grey level of 255: by so much an image may be negative through rounding or resizing."""


def refuse(y: Tensor, bad: Tensor, why: str, /, name: str = "y", *, typed: str = "") -> None:
    """Raise `InputError` if any entry of y is bad, with the first one's value and index.

    Args:
        y: the numbers.
        bad: where they are not what they have to be.
        why: and what to give instead.
        name: of y.
        typed: what to type instead on the command line.
    """
    if bool(bad.any()):
        where = tuple(bad.nonzero()[0].tolist())
        raise InputError(
            f"{name}[{', '.join(map(str, where))}] = {float(y[where]):.6g} ({int(bad.sum())} of "
            f"{y.numel()} entries are like it): {why}",
            typed=typed,
        )


LIFT = "--black BLACK --white WHITE, BLACK below the least value in the file,"
"""How black pixels are lifted; who knows the file can put its numbers in the place of this."""


def lifted(mixture: str, /) -> str:
    """What to type where a noise that multiplies met a pixel that is black.

    >>> lifted("rayleigh:scale=0.3").partition("for any numbers ")[2]
    '-l "mixture:noise=(rayleigh:scale=0.3),sigma=0.01"'
    """
    return (
        f"{LIFT} lifts black pixels by half a level of grey; "
        f'for any numbers -l "mixture:noise=({mixture}),sigma=0.01"'
    )


def finite(x: Tensor, noise: object, /) -> Tensor:
    """The image; `InputError` where it is no number."""
    refuse(x, ~x.isfinite(), f"{noise!r} is noise of images, whose pixels are numbers", "x")
    return x


def not_negative(x: Tensor, noise: object, /) -> Tensor:
    """The image; `InputError` where it is no number, or darker than black by half a grey level."""
    why = f"{noise!r} is noise of a brightness, which is not negative; x.clamp(min=0) is black"
    refuse(x, ~((x >= -HALF_A_LEVEL) & x.isfinite()), why, "x")
    return x


def inside(value: Tensor, least: float | None = None, /) -> Tensor:
    """The value, but at least `least`, by default the smallest normal number of its type."""
    return value.clamp_min(torch.finfo(value.dtype).tiny if least is None else least)
