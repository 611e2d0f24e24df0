"""How close an estimate is to the clean image: PSNR and SSIM.

    PSNR = 10 log10(peak² / mean (x - reference)²)                                    in decibels
    SSIM = mean of (2 m_x m_r + c1)(2 s_xr + c2) / ((m_x² + m_r² + c1)(s_x² + s_r² + c2))

with local means m, variances s² and covariance s_xr in an 11 x 11 Gaussian window of standard
deviation 1.5, c1 = (0.01 peak)² and c2 = (0.03 peak)². Only windows that lie inside the image
count, and channels are averaged, as in the authors' implementation. Images are not clipped: clip
both first to measure what a file would hold.

Reference: Z. Wang, A. C. Bovik, H. R. Sheikh, E. P. Simoncelli (2004). Image Quality Assessment:
From Error Visibility to Structural Similarity. IEEE TIP 13(4).
https://doi.org/10.1109/TIP.2003.819861
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import conv2d

from ..errors import InputError

WINDOW = 11
WIDTH = 1.5


def psnr(x: Tensor, reference: Tensor, /, *, peak: float = 1.0) -> Tensor:
    """Peak signal-to-noise ratio in decibels, `(B,)`; inf where the images are equal.

    Args:
        x: the estimate, `(B, *image)`.
        reference: the clean image, of the same shape, or one `(1, *image)` for all.
        peak: the white level.

    Raises:
        InputError: an image is no floating-point tensor, the shapes differ, or peak is not
            positive.

    >>> import torch, invprob as ip
    >>> ip.psnr(torch.full((1, 1, 4, 4), 0.75), torch.full((1, 1, 4, 4), 0.5))
    tensor([12.0412])
    """
    _check(x, reference, peak)
    error = (x - reference.to(x.device)).square().flatten(1).mean(1)
    return 10 * torch.log10(peak**2 / error)


def ssim(x: Tensor, reference: Tensor, /, *, peak: float = 1.0) -> Tensor:
    """Structural similarity, `(B,)`: 1 for equal images, around 0 for unrelated ones.

    Args:
        x: the estimate, `(B, C, H, W)`, at least 11 x 11 pixels.
        reference: the clean image, of the same shape, or one `(1, C, H, W)` for all.
        peak: the white level.

    Raises:
        InputError: an image is no floating-point tensor, the shapes differ or are too small, or
            peak is not positive.

    >>> import torch, invprob as ip
    >>> x = torch.linspace(0, 1, 256).reshape(1, 1, 16, 16)
    >>> ip.ssim(x, x), ip.ssim(x, 1 - x) < 0
    (tensor([1.]), tensor([True]))
    """
    _check(x, reference, peak)
    if x.ndim != 4 or min(x.shape[-2:]) < WINDOW:
        raise InputError(
            f"SSIM compares windows of {WINDOW}x{WINDOW} pixels of images (B, C, H, W); "
            f"x has shape {tuple(x.shape)}"
        )
    reference = reference.to(x).expand_as(x)
    window = _window(x)
    moments = (x, reference, x * x, reference * reference, x * reference)
    mean_x, mean_r, xx, rr, xr = (_smooth(part, window) for part in moments)
    c1, c2 = (0.01 * peak) ** 2, (0.03 * peak) ** 2
    luminance = (2 * mean_x * mean_r + c1) / (mean_x.square() + mean_r.square() + c1)
    variances = xx - mean_x.square() + rr - mean_r.square()
    structure = (2 * (xr - mean_x * mean_r) + c2) / (variances + c2)
    return (luminance * structure).flatten(1).mean(1)


def _window(like: Tensor) -> Tensor:
    offset = torch.arange(WINDOW, dtype=like.dtype, device=like.device) - WINDOW // 2
    weight = (-0.5 * (offset / WIDTH).square()).exp()
    return weight / weight.sum()


def _smooth(x: Tensor, window: Tensor) -> Tensor:
    """The window's mean at every place where it fits, one channel at a time."""
    planes = x.reshape(-1, 1, *x.shape[-2:])
    planes = conv2d(conv2d(planes, window.reshape(1, 1, 1, -1)), window.reshape(1, 1, -1, 1))
    return planes.reshape(*x.shape[:2], *planes.shape[-2:])


def _check(x: Tensor, reference: Tensor, peak: float) -> None:
    for name, image in (("x", x), ("reference", reference)):
        if not isinstance(image, Tensor) or not image.is_floating_point():
            kind = image.dtype if isinstance(image, Tensor) else type(image).__name__
            raise InputError(
                f"{name} is {kind}; give a floating-point tensor of images (B, *image) in [0, 1]:"
                f" torch.as_tensor({name}) of an array, {name}.float() / 255 of 8-bit pixels"
            )
    if x.shape[1:] != reference.shape[1:] or len(reference) not in (1, len(x)):
        raise InputError(
            f"x has shape {tuple(x.shape)} and reference {tuple(reference.shape)}; they must "
            "agree, except that one reference may serve a whole batch"
        )
    if not peak > 0:
        raise InputError(f"peak={peak}; it must be > 0: 1 for images in [0, 1]")
