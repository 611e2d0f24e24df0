"""Image shapes, and the checks on them that several operators share."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from ..arrays import plain
from ..contracts import Shape
from ..counts import whole_numbers
from ..errors import InputError


def plane(shape: Shape, operator: object, /) -> tuple[int, int]:
    """Height and width of images `(..., H, W)`, the last two axes; `InputError` if there are none.

    >>> plane((3, 32, 48), "Blur")
    (32, 48)
    """
    if len(shape) < 2 or min(shape) < 1:
        raise InputError(
            f"{operator!r} acts on the last two axes of an image, but the image's shape is "
            f"{tuple(shape)}; give images (B, C, H, W)"
        )
    return shape[-2], shape[-1]


def broadcasts(small: Shape, shape: Shape, /) -> bool:
    """Whether a tensor of shape `small` broadcasts to `shape` without enlarging it.

    >>> broadcasts((8, 8), (3, 8, 8)), broadcasts((3, 8, 8), (1, 8, 8))
    (True, False)
    """
    return len(small) <= len(shape) and all(
        n in (1, m) for n, m in zip(reversed(small), reversed(shape), strict=False)
    )


def refuse_batch(given: Shape, name: str, /, axes: int | None = None) -> None:
    """Refuse a tensor that has something else for each image of a batch, as no operator does.

    Args:
        given: its shape, refused if it has four axes and images have three.
        name: what it is called.
        axes: how many axes images have. If that is not known yet, the shape must look like
            (B, C, H, W) of gray or colour images, not of the real and imaginary parts of k-space.

    Raises:
        InputError: it is of a batch, and what to do instead.

    >>> refuse_batch((3, 8, 8), "mask")
    """
    images = axes is None and len(given) == 4 and given[1] in (1, 3) and given[3] > 2
    if not images and (len(given), axes) != (4, 3):
        return
    instead = f"give {name}[0]"
    if given[0] > 1:
        instead = (
            f"images with a {name} of their own are problems of their own: in a loop over i, "
            f"Problem(prior, Gaussian(sigma, H), y[i : i + 1]), where H is made of {name}[i]"
        )
    raise InputError(
        f"{name} has shape {tuple(given)}, one for each image of a batch, but a batch shares one "
        f"operator; {instead}"
    )


def given_shape(value: object, /) -> Shape:
    """A user's image shape as a tuple of whole numbers >= 1, or `InputError`."""
    shape = whole_numbers(value)
    if not shape:
        raise InputError(f"image_shape={value!r}; give the shape of one image, such as (1, 8, 8)")
    return shape


def sides(value: object, /) -> Shape:
    """The same, or one number for a square; empty if it is none.

    >>> sides((3, 32, 48)), sides(64), sides(64.7)
    ((3, 32, 48), (64, 64), ())
    """
    return whole_numbers(value) or whole_numbers((value, value))


def blocks(x: Tensor, rows: tuple[int, int], columns: tuple[int, int], /) -> Tensor:
    """A view of `(..., H, W)` with each of the last two axes cut in two: H = r h, W = s w.

    >>> blocks(torch.zeros(1, 6, 8), (3, 2), (4, 2)).shape
    torch.Size([1, 3, 2, 4, 2])
    """
    return x.reshape(*x.shape[:-2], *rows, *columns)


def constant(value: object, name: str, /) -> Tensor:
    """A private copy of a user's array: float64, on the CPU, finite, not empty."""
    try:
        given = value if isinstance(value, Tensor) else torch.as_tensor(plain(np.asarray(value)))
        if given.is_complex():
            raise TypeError("its numbers are complex")
        tensor = given.detach().to("cpu", torch.float64, copy=True)
    except (TypeError, ValueError, RuntimeError) as error:
        raise InputError(f"{name} is no array of real numbers: {error}") from None
    if tensor.numel() == 0:
        raise InputError(f"{name} has shape {tuple(tensor.shape)}: it is empty")
    if not bool(torch.isfinite(tensor).all()):
        raise InputError(
            f"{name} has {int((~torch.isfinite(tensor)).sum())} values that are not finite"
        )
    return tensor
