"""Linear operators, by name."""

from __future__ import annotations

from pathlib import Path

import torch

from ..catalogue import Component
from ..errors import InputError
from ..operators import kernels
from ..operators.blur import CircularBlur
from ..operators.compose import Compose
from ..operators.correlation import CorrelationFilter
from ..operators.decimate import BlurDecimate
from ..operators.dense import Dense
from ..operators.downsample import Downsample
from ..operators.frequencies import Fourier
from ..operators.grayscale import Grayscale
from ..operators.hadamard import Hadamard
from ..operators.identity import Identity
from ..operators.mask import Mask
from ..operators.separable import SeparableBlur
from ..operators.stack import Stack
from ..operators.valid_blur import Blur
from ..streams import generator


def _mask() -> Mask:
    return Mask(torch.arange(64).reshape(8, 8) % 3 == 0)


def blur(kernel: str | None = None, file: Path | None = None) -> Blur:
    """The blur of a photograph with a kernel of this name, or in this file."""
    return Blur(kernels.chosen(kernel, file, "blur"))


def circular_blur(kernel: str | None = None, file: Path | None = None) -> CircularBlur:
    """The blur with a kernel of this name, or in this file."""
    return CircularBlur(kernels.chosen(kernel, file, "circular-blur"))


def blur_decimate(
    factor: int, kernel: str | None = None, file: Path | None = None
) -> BlurDecimate:
    """The same, and every factor-th pixel of it."""
    return BlurDecimate(kernels.chosen(kernel, file, "blur-decimate"), factor)


def fourier(
    size: int | tuple[int, int] | None = None,
    file: Path | None = None,
    keep: float = 0.25,
    centre: float = 0.08,
    seed: int = 0,
) -> Fourier:
    """Lines for images of this size, or the frequencies that are white in this file."""
    if size is not None and file is None:
        return Fourier.lines(size, keep, centre, seed)
    if file is not None and size is None:
        return Fourier(Mask.from_file(file).mask)
    raise InputError(
        "fourier has one mask; give the size of the images for lines, size=256, or an image of "
        "the mask, frequency 0 in its corner, file=mask.png"
    )


def _dense() -> Dense:
    matrix = torch.randn(16, 64, dtype=torch.float64, generator=generator(0)) / 8
    return Dense(matrix, image_shape=(1, 8, 8))


def operators() -> list[Component]:
    """The built-in operators."""
    return [
        Component("operator", "identity", Identity, summary="every pixel (denoising)"),
        Component(
            "operator",
            "mask",
            Mask,
            example=_mask,
            from_text=Mask.from_file,
            summary="some pixels (inpainting)",
        ),
        Component(
            "operator",
            "blur",
            Blur,
            example=lambda: Blur(kernels.uniform(3)),
            from_text=blur,
            summary="convolution, of photographs (deblurring): kernel=uniform5, or file=psf.tif, "
            "of odd sides and divided by its sum",
            reference="Almeida and Figueiredo (2013), https://arxiv.org/abs/1210.2687",
        ),
        Component(
            "operator",
            "circular-blur",
            CircularBlur,
            example=lambda: CircularBlur(kernels.gaussian(1.0)),
            from_text=circular_blur,
            summary="the same of images whose borders wrap around",
        ),
        Component(
            "operator",
            "separable-blur",
            SeparableBlur,
            example=lambda: SeparableBlur.named("gaussian1.0"),
            from_text=SeparableBlur.named,
            summary="convolution along rows and columns, with any borders (deblurring)",
        ),
        Component(
            "operator",
            "correlation-filter",
            CorrelationFilter,
            summary="the invertible 3x3 filter of Xie et al. (2023), Eq. 19",
        ),
        Component(
            "operator",
            "downsample",
            Downsample,
            example=lambda: Downsample(2),
            summary="means of blocks (super-resolution)",
        ),
        Component(
            "operator",
            "blur-decimate",
            BlurDecimate,
            example=lambda: BlurDecimate.named("gaussian1.0", 2),
            from_text=blur_decimate,
            summary="circular-blur, then every factor-th pixel (super-resolution)",
        ),
        Component(
            "operator",
            "hadamard",
            Hadamard,
            example=lambda: Hadamard(8, keep=0.25, scramble=True),
            summary="some Walsh-Hadamard coefficients (compressive sensing)",
        ),
        Component(
            "operator",
            "fourier",
            Fourier,
            example=lambda: Fourier.lines(8, keep=0.5),
            from_text=fourier,
            summary="some frequencies (MRI): columns of them, size=256,keep=0.25,centre=0.08, or "
            "file=mask.png with frequency 0 in its corner",
            reference="Lustig, Donoho and Pauly (2007), Sparse MRI",
        ),
        Component("operator", "grayscale", Grayscale, summary="colour to gray (colourisation)"),
        Component(
            "operator",
            "dense",
            Dense,
            example=_dense,
            from_text=Dense.from_file,
            summary="any matrix, for small images",
        ),
        Component(
            "operator",
            "compose",
            Compose,
            example=lambda: Compose(Grayscale(), SeparableBlur.named("gaussian1.0")),
            summary="one operator after another",
        ),
        Component(
            "operator",
            "stack",
            Stack,
            example=lambda: Stack([_mask(), Downsample(2)], image_shape=(1, 8, 8)),
            summary="several measurements of one image",
        ),
    ]
