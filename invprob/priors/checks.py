"""What priors check: the numbers that they are made of, and, at every call, images."""

from __future__ import annotations

import torch
from torch import Tensor

from ..arrays import plain
from ..contracts import Domain
from ..errors import InputError


def check_images(x: Tensor, domain: Domain, prior: object) -> None:
    """Refuse what is outside a prior's domain.

    Args:
        x: what was given as images `(B, C, H, W)`.
        domain: the channels and the shape that the prior takes.
        prior: whose domain it is, for the message.

    Raises:
        InputError: x is no tensor of floating point, or has other channels or another shape.
    """
    if not isinstance(x, Tensor) or not x.is_floating_point():
        kind = x.dtype if isinstance(x, Tensor) else type(x).__name__
        raise InputError(
            f"x is {kind}; images are floating-point tensors in [0, 1]: for 8-bit pixels"
            " type x.float() / 255"
        )
    channels, shape = domain.channels, domain.shape
    if channels is not None and (x.ndim != 4 or x.shape[1] not in channels):
        raise InputError(
            f"x has shape {tuple(x.shape)}, and the prior {prior!r} was made for images"
            f" (B, C, H, W) with C in {channels}; for one image type x[None], for channels"
            " last x.movedim(-1, 1), for gray x.mean(1, keepdim=True)"
        )
    if shape is not None and tuple(x.shape[1:]) != shape:
        raise InputError(
            f"x has shape {tuple(x.shape)}, and the prior {prior!r} was made for images of"
            f" shape (B, {', '.join(map(str, shape))}); resize or cut them"
        )


def numbers(value: object, name: str, /) -> Tensor:
    """What a user gave for a parameter, an array of numpy or a list as well, as a tensor.

    Raises:
        InputError: it is none, or has values that are not finite.

    >>> numbers([1.0, 2.0], "weights")
    tensor([1., 2.])
    """
    try:
        tensor = torch.as_tensor(plain(value))
    except (TypeError, ValueError, RuntimeError):
        raise InputError(f"{name} is a {type(value).__name__}; give a tensor of numbers") from None
    if not bool(torch.isfinite(tensor).all()):
        raise InputError(f"{name} has values that are not finite; give numbers")
    return tensor
