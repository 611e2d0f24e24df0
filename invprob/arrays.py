"""Arrays of NumPy as torch takes them: a flipped view, and bytes as FITS files have them, are not.

Torch knows no negative strides, which `array[::-1]` has, and the byte order of this machine alone.
"""

from __future__ import annotations

import numpy as np


def plain(value: object, /) -> object:
    """The same numbers, in a copy if it takes one; what is no array of NumPy as it is.

    >>> import torch
    >>> torch.as_tensor(plain(np.arange(3, dtype=">i4")[::-1]))
    tensor([2, 1, 0], dtype=torch.int32)
    """
    if not isinstance(value, np.ndarray):
        return value
    kept = value.dtype.isnative and value.flags.c_contiguous and value.flags.writeable
    return value if kept else np.array(value, value.dtype.newbyteorder("="), order="C")
