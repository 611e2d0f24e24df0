"""Images are padded to the multiple of pixels that a network folds into one.

On the right and at the bottom, reflected; repeated where the image is too small to be reflected.
"""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional


def pad_to_multiple(x: Tensor, multiple: int, least: int = 1) -> Tensor:
    """The image, with height and width that are multiples.

    Args:
        x: `(B, C, H, W)`.
        multiple: of so many pixels.
        least: so many times the multiple at least.

    >>> import torch
    >>> pad_to_multiple(torch.tensor([[[[1.0, 2.0, 3.0]]]]), 4)[0, 0, 0]
    tensor([1., 2., 3., 3.])
    """
    size = [multiple * max(least, -(-n // multiple)) for n in x.shape[-2:]]
    missing = (size[0] - x.shape[-2], size[1] - x.shape[-1])
    if missing == (0, 0):
        return x
    reflects = missing[0] < x.shape[-2] and missing[1] < x.shape[-1]
    mode = "reflect" if reflects else "replicate"
    return functional.pad(x, (0, missing[1], 0, missing[0]), mode=mode)
