"""Colour profiles (ICC): what a PNG, JPEG, TIFF or WebP file says that its numbers look like.

Numbers are read and written as they are, so a picture that is made of another one is in the space
of that one's numbers, and looks as it did only with its profile: a photograph in Display P3 or
Adobe RGB is pale without. The profile of a colour image fits no gray one, nor the other way round,
and one of inks (CMYK) fits no image that is written here.

Reference: International Color Consortium, ICC.1:2022, Image technology colour management; of its
128 bytes of header, those from 16 to 19 name the space of the numbers, and those from 36 are
`acsp`. https://www.color.org/specification/ICC.1-2022-05.pdf
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

SPACES = (b"RGB ", b"GRAY")
"""Of numbers that are written here. A gray file with an RGB profile is common, and keeps it."""


def kept(path: Path, *, gray: bool, tiff: bool) -> bytes | None:
    """The profile of a file, if its image is gray, or in colour, as one that is made of it.

    Args:
        path: the file; one that has no profile, whatever it is, gives None.
        gray: whether the other image is.
        tiff: whether the file is a TIFF file, of which the first page counts.
    """
    try:
        found, is_gray = _of_tiff(path) if tiff else _of_picture(path)
    except Exception as error:  # a decoder may raise anything on a damaged file
        warnings.warn(f"{path}: its colour profile can't be kept ({error})", stacklevel=4)
        return None
    if found is None or is_gray != gray or found[36:40] != b"acsp":
        return None
    return found if found[16:20] in SPACES else None


def _of_picture(path: Path) -> tuple[bytes | None, bool]:
    """The profile in a PNG, JPEG or WebP file, and whether its image is gray."""
    from PIL import Image

    with Image.open(path) as image:
        gray = image.mode.split(";")[0] in ("1", "L", "LA", "La", "I")
        return image.info.get("icc_profile"), gray


def _of_tiff(path: Path) -> tuple[bytes | None, bool]:
    """The same of the first page of a TIFF file."""
    import tifffile

    with tifffile.TiffFile(path) as file:
        page: Any = file.pages[0]
        return page.iccprofile, page.photometric.name in ("MINISBLACK", "MINISWHITE")
