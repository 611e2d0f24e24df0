"""How many channels an image has, and how files say so.

Gray and colour are pictures, of 1 and 3 channels, and every format holds them. Other counts are
for instruments: NPY files `(H, W, C)` and TIFF files hold them. The file says which of its axes
is that of the channels, it is never told from their lengths.
"""

from __future__ import annotations

from collections.abc import Collection

PICTURES = (1, 3)
"""Gray and colour."""

Channels = Collection[int] | None
"""Counts that an image may have besides those of pictures; `None` for any."""


def may_have(count: int, channels: Channels, /) -> bool:
    """Whether an image may have so many."""
    return channels is None or count in PICTURES or count in channels
