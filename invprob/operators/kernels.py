"""Blur kernels: small images of sum 1 that say where the light of one pixel goes.

    (k * x)[i] = sum over j of k[j] x[i - (j - c)],   c = (h // 2, w // 2)

c is the centre. A kernel of odd size has its middle there; one of even size shifts by half a
pixel. All kernels here are `(h, w)`, float64, non-negative and of sum 1: a gray image stays as
bright as it was.

By name, so that a kernel fits into a command line: `uniform5`, `gaussian1.5`, `motion9@30`. One
that was measured, a point-spread function, comes from an image file.
"""

from __future__ import annotations

import math
import re
from pathlib import Path

import torch
from torch import Tensor

from ..counts import real, whole_numbers
from ..errors import InputError
from .from_files import read_single


def uniform(size: int) -> Tensor:
    """The mean over a square of `size` x `size` pixels.

    Args:
        size: side of the square in pixels, at least 1.

    >>> import invprob as ip
    >>> ip.kernels.uniform(3)[0]
    tensor([0.1111, 0.1111, 0.1111], dtype=torch.float64)
    """
    side = whole_numbers((size,))
    if not side:
        raise InputError(f"size={size!r} of a uniform kernel; give a whole number of pixels >= 1")
    return torch.full(2 * side, 1 / side[0] ** 2, dtype=torch.float64)


def gaussian_profile(sigma: float) -> Tensor:
    """A sampled Gaussian along one axis, cut at the first pixel beyond 3 sigma, of sum 1.

    Args:
        sigma: standard deviation in pixels, > 0.

    >>> import invprob as ip
    >>> ip.kernels.gaussian_profile(0.5)
    tensor([2.6387e-04, 1.0645e-01, 7.8657e-01, 1.0645e-01, 2.6387e-04],
           dtype=torch.float64)
    """
    if not 0 < real(sigma, "sigma", "a number of pixels > 0") < math.inf:
        raise InputError(f"sigma={sigma} of a Gaussian kernel; give a number of pixels > 0")
    radius = math.ceil(3 * sigma)
    at = torch.arange(-radius, radius + 1, dtype=torch.float64)
    profile = torch.exp(-0.5 * (at / sigma) ** 2)
    return profile / profile.sum()


def gaussian(sigma: float) -> Tensor:
    """A sampled Gaussian, cut at the first pixel beyond 3 sigma.

    Args:
        sigma: standard deviation in pixels, > 0.

    >>> import invprob as ip
    >>> ip.kernels.gaussian(1.5).shape
    torch.Size([11, 11])
    """
    profile = gaussian_profile(sigma)
    return torch.outer(profile, profile)


def motion(length: float, angle: float = 0.0) -> Tensor:
    """A camera that moved on a straight line while it exposed.

    The segment is sampled at 64 points per pixel, and each point is shared among its four
    neighbours (bilinear), so that any length and angle works. The kernel is symmetric about its
    centre.

    Args:
        length: length of the segment in pixels, > 0.
        angle: its direction in degrees, anticlockwise from the rows; 90 is vertical.

    >>> import invprob as ip
    >>> ip.kernels.motion(2, angle=0)
    tensor([[0.2500, 0.5000, 0.2500]], dtype=torch.float64)
    """
    length, angle = real(length, "length", "pixels"), real(angle, "angle", "degrees")
    if not (0 < length < math.inf and math.isfinite(angle)):
        raise InputError(
            f"length={length}, angle={angle} of a motion kernel; give a length in pixels > 0 and "
            "an angle in degrees"
        )
    count = math.ceil(64 * length)
    along = ((torch.arange(count, dtype=torch.float64) + 0.5) / count - 0.5) * length
    turn = math.radians(angle)
    row, column = -math.sin(turn) * along, math.cos(turn) * along
    radius_row, radius_column = (math.ceil(float(a.abs().max()) - 1e-9) for a in (row, column))
    rows = _tents(row, radius_row)
    columns = _tents(column, radius_column)
    return torch.einsum("pi,pj->ij", rows, columns) / count


def _tents(at: Tensor, radius: int) -> Tensor:
    """Bilinear weights of points `(points,)` on the pixels -radius..radius: `(points, pixels)`."""
    pixels = torch.arange(-radius, radius + 1, dtype=at.dtype)
    weights = (1 - (at[:, None] - pixels).abs()).clamp(min=0)
    return weights / weights.sum(1, keepdim=True)


_NUMBER = r"(?:\d+\.?\d*|\.\d+)"


def named(name: str, operator: str = "blur") -> Tensor:
    """The kernel of this name.

    Args:
        name: `uniformSIZE`, `gaussianSIGMA`, `motionLENGTH` or `motionLENGTH@ANGLE`; sizes in
            pixels, the angle in degrees.
        operator: whose it is, as it is typed; for the message.

    Raises:
        InputError: no kernel is called so.

    >>> import invprob as ip
    >>> [ip.kernels.named(name).shape for name in ("uniform5", "gaussian1.5", "motion9@30")]
    [torch.Size([5, 5]), torch.Size([11, 11]), torch.Size([7, 9])]
    """
    if match := re.fullmatch(r"uniform(\d+)", name):
        return uniform(int(match[1]))
    if match := re.fullmatch(rf"gaussian({_NUMBER})", name):
        return gaussian(float(match[1]))
    if match := re.fullmatch(rf"motion({_NUMBER})(?:@(-?{_NUMBER}))?", name):
        return motion(float(match[1]), float(match[2] or 0))
    raise InputError(
        f"no kernel is called {name!r}; give uniformSIZE (uniform5), gaussianSIGMA (gaussian1.5) "
        "or motionLENGTH@ANGLE (motion9@30), in pixels and degrees; one in a file is "
        "invprob.operators.kernels.from_file(file)",
        typed=f"{operator}:file=psf.tif for a kernel in a file",
    )


def from_file(file: str | Path, /) -> Tensor:
    """The kernel in an image or NPY file, its middle pixel the centre; divided by its sum.

    Args:
        file: of an odd number of rows and of columns; colours are averaged.

    Raises:
        InputError: the file can't be read, has a side of an even number of pixels, or values that
            are negative, not finite, or all 0, or are dark on a bright ground.
    """
    kernel = torch.from_numpy(read_single(Path(file)).astype("float64").mean(2))
    height, width = kernel.shape
    least, total = float(kernel.min()), float(kernel.sum())
    if not (math.isfinite(total) and least >= 0 and total > 0):
        raise InputError(
            f"the values of {file} go from {least:.4g} to {float(kernel.max()):.4g}, their sum is "
            f"{total:.4g}; a kernel has none below 0, take a background away and put 0 there, "
            "and a sum above 0"
        )
    if height % 2 == 0 or width % 2 == 0:
        raise InputError(
            f"{file} is of {height}x{width} pixels, without one in its middle; crop or pad the "
            "kernel to odd sides, so that its centre is there"
        )
    if _on_white(kernel):
        raise InputError(
            f"the border of {file} is brighter than its middle, up to {float(kernel.max()):.4g}, "
            f"and its darkest value there is {float(kernel[1:-1, 1:-1].min()):.4g}: black on "
            "white; a kernel is white where the light goes and black where it does not: invert it"
        )
    return kernel / total


def _on_white(kernel: Tensor) -> bool:
    """Whether this is a dark figure on a bright ground, which reaches all corners."""
    inner = kernel[1:-1, 1:-1]
    if not inner.numel():
        return False
    rim = (kernel.sum() - inner.sum()) / (kernel.numel() - inner.numel())
    corners = kernel[:: len(kernel) - 1, :: kernel.shape[1] - 1].min()
    return bool(corners > 2 * inner.min()) and bool(rim > inner.mean()) and bool(corners > rim / 2)


def chosen(kernel: str | None, file: Path | None, operator: str, /) -> Tensor:
    """The kernel of this name, or in this file.

    Args:
        kernel: its name.
        file: where it is.
        operator: whose it is, as it is typed; for the message.

    Raises:
        InputError: both are given, or none; or there is no such kernel.
    """
    if kernel is not None and file is None:
        return named(kernel, operator)
    if file is not None and kernel is None:
        return from_file(file)
    both = "" if kernel is None else f"kernel={kernel}, file={file}: "
    raise InputError(
        f"{both}a blur has one kernel; give its name, kernel=uniform5, gaussian1.5 or "
        "motion9@30, or an image of it, file=psf.tif"
    )
