"""FITS files, by astropy, which is an extra: `pip install "invprob[fits]"`.

The first HDU that holds an image is read: two axes are one, three are planes, of which each is a
page; leading axes of length 1 (polarisation, frequency) are passed over. A cube of three planes is
one colour image only where its header says so, `CTYPE3 = 'RGB'`, as it does in those that are
written here. Scaled integers (`BSCALE`, `BZERO`) become what they stand for, and pixels that are
`BLANK` become NaN.

Rows stay in the order of the file, which is astropy's: the first row is the first one stored. FITS
viewers draw it at the bottom, so a PNG file of the image hangs upside down beside them, and a FITS
file of it does not.

A file that is written like another gets that one's header, coordinates and all, if it has as many
rows and columns: whatever describes pixels that are stored in another way is left out.

Reference: W. D. Pence et al., "Definition of the Flexible Image Transport System (FITS), version
3.0", A&A 524 (2010), https://doi.org/10.1051/0004-6361/201015362.
"""

from __future__ import annotations

import contextlib
import functools
import gzip
import io
import re
import warnings
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from ..errors import FileWarning, InputError
from .paging import chosen

if TYPE_CHECKING:
    from numpy.typing import NDArray

Header = Any
"""`astropy.io.fits.Header`."""

LAYOUT = (
    *("EXTEND", "EXTNAME", "EXTVER", "INHERIT", "NEXTEND", "CHECKSUM", "DATASUM"),
    *("BLANK", "DATAMIN", "DATAMAX"),
)
"""Keywords of how and where the pixels were stored, and of what they were."""

THIRD_AXIS = re.compile(
    r"(WCSAXES|C(TYPE|RVAL|DELT|UNIT|RPIX|ROTA|NAME)[3-9]|(PC|CD)([3-9]_\d|\d_[3-9])|P[VS][3-9]_\d+)"
    r"[A-Z]?"
)
"""Keywords of coordinates that one plane of a cube does not have, of any description A to Z."""


def check_installed(path: Path, /) -> None:
    """Raise `InputError` unless astropy is there."""
    if find_spec("astropy") is None:
        raise InputError(
            f'{path} is a FITS file, which takes astropy: pip install "invprob[fits]"'
        )


def read(path: Path, number: int | None, /) -> NDArray[Any]:
    """One plane `(H, W)`, or a colour image `(H, W, 3)`.

    Raises:
        InputError: the file has no image, or no such plane.
    """
    with _image(path) as hdu:
        count = _count(hdu)
        colour = "; a colour image has CTYPE3 = 'RGB' in its header" if count == 3 else ""
        whole = ", in colour (CTYPE3 = 'RGB' in its header)" if _is_colour(hdu) else ""
        return _plane(hdu, chosen(path, number, count, "planes", colour, whole))


def pages(path: Path, /) -> list[int]:
    """The numbers of the planes."""
    with _image(path) as hdu:
        return list(range(_count(hdu)))


def read_stack(path: Path, /) -> list[NDArray[Any]]:
    """What `read` gives, of every plane."""
    with _image(path) as hdu:
        return [_plane(hdu, number) for number in range(_count(hdu))]


def write(
    file: BinaryIO, pixels: NDArray[Any], like: Path | None, /, *, unit: bool, compress: bool
) -> None:
    """Write an image, or gray ones as the planes of a cube.

    Args:
        file: where to.
        pixels: `(N, H, W, 1 or 3)`.
        like: a FITS file whose header this one gets, if it has as many rows and columns.
        unit: whether the values are in that file's unit, whatever their type.
        compress: by gzip.
    """
    from astropy.io import fits

    gray = pixels.shape[3] == 1
    if not gray and len(pixels) > 1:
        raise InputError(
            f"a FITS file holds one colour image, and not {len(pixels)}; write a .tif file"
        )
    cube = pixels[..., 0] if gray else np.moveaxis(pixels[0], 2, 0)
    try:
        header = _header_of(like, cube, unit=unit) if like is not None else fits.Header()
        content = _stored(cube, header, gray)
    except (ValueError, KeyError, OSError, InputError, fits.VerifyError) as error:
        warnings.warn(f"{like}: its header can't be kept ({error})", FileWarning, stacklevel=2)
        content = _stored(cube, fits.Header(), gray)
    file.write(gzip.compress(content, mtime=0) if compress else content)


def _stored(cube: NDArray[Any], header: Header, gray: bool) -> bytes:
    """The content of a file with planes `(N, H, W)`, or those of one colour image."""
    from astropy.io import fits

    if not gray:
        header["CTYPE3"] = ("RGB", "red, green, blue")
    content = io.BytesIO()
    hdu = fits.PrimaryHDU(cube[0] if len(cube) == 1 else cube, header)
    hdu.writeto(content, output_verify="silentfix+ignore")
    return content.getvalue()


def _header_of(path: Path, cube: NDArray[Any], *, unit: bool) -> Header:
    """What of a file's header is true of other pixels in the place of its own."""
    from astropy.io import fits

    with _image(path) as hdu:
        if hdu.shape[-2:] != cube.shape[-2:]:
            return fits.Header()
        header = hdu.header.copy(strip=True)
        header.extend(fits.getheader(path, 0), unique=True)  # an extension's telescope is there
        own = _plane(hdu, 0).dtype
        colour = _is_colour(hdu)
    same = unit or own == cube.dtype or own.kind == cube.dtype.kind == "f"
    for name in set(header):
        flat = len(cube) == 1 and THIRD_AXIS.fullmatch(name)
        foreign = (name == "BUNIT" and not same) or (name == "CTYPE3" and colour)
        if name in LAYOUT or flat or foreign:
            header.remove(name, ignore_missing=True, remove_all=True)
    header.add_history("pixels written by invprob")
    return header


@contextlib.contextmanager
def _image(path: Path) -> Iterator[Any]:
    """The first HDU that holds an image."""
    from astropy.io import fits

    stored = _unpacked(path, path.stat().st_mtime_ns) if path.suffix.lower() == ".gz" else path
    with _said_as_ours(path), fits.open(stored, memmap=False) as file:
        images = [hdu for hdu in file if hdu.is_image]
        for hdu in images:
            axes = _axes(hdu)
            if len(axes) in (2, 3) and 0 not in axes:
                yield hdu
                return
        shapes = ", ".join(str(tuple(hdu.shape)) for hdu in images if hdu.shape) or "none"
        raise InputError(
            f"{path} holds no image of two axes, or three: the shapes of its arrays are {shapes}; "
            "save the image that is meant by itself"
        )


@functools.lru_cache(maxsize=1)
def _unpacked_bytes(path: Path, _: int) -> bytes:
    """What a compressed file holds, kept so that a cube is unpacked once for all its planes."""
    return gzip.decompress(path.read_bytes())


def _unpacked(path: Path, changed: int) -> io.BytesIO:
    return io.BytesIO(_unpacked_bytes(path.resolve(), changed))


@contextlib.contextmanager
def _said_as_ours(path: Path) -> Iterator[None]:
    """What astropy warns of, as a warning of this package's with the file's name.

    Astropy writes its warnings to a log of its own, in another form.
    """
    with warnings.catch_warnings(record=True) as said:
        yield
    for text in dict.fromkeys(" ".join(str(one.message).split()) for one in said):
        warnings.warn(f"{path}: {text}", FileWarning, stacklevel=2)


def _axes(hdu: Any) -> tuple[int, ...]:
    """The shape of an HDU's array, without leading axes of length 1."""
    shape = tuple(hdu.shape)
    while len(shape) > 2 and shape[0] == 1:
        shape = shape[1:]
    return shape


def _is_colour(hdu: Any) -> bool:
    axes = _axes(hdu)
    said = str(hdu.header.get("CTYPE3", "")).strip().upper()
    return len(axes) == 3 and axes[0] == 3 and said == "RGB"


def _count(hdu: Any) -> int:
    """How many images there are in an HDU."""
    axes = _axes(hdu)
    return 1 if len(axes) == 2 or _is_colour(hdu) else axes[0]


def _plane(hdu: Any, number: int) -> NDArray[Any]:
    """One image, in the byte order of this machine, without reading the others."""
    axes, blank = _axes(hdu), hdu.header.get("BLANK")
    leading = (0,) * (len(hdu.shape) - len(axes))
    if _is_colour(hdu):
        stored = np.moveaxis(np.asarray(hdu.section[(*leading, slice(None))]), 0, 2)
    else:
        plane = (number,) if len(axes) == 3 else ()
        stored = np.asarray(hdu.section[(*leading, *plane, slice(None), slice(None))])
    if blank is not None and stored.dtype.kind == "u":  # astropy leaves these as they are
        bad = stored == int(blank) + 2 ** (8 * stored.dtype.itemsize - 1)
        stored = np.where(bad, np.nan, stored) if bad.any() else stored
    return stored.astype(stored.dtype.newbyteorder("="))
