"""Orthonormal sine and cosine transforms along the last axis, by FFT.

Each is the eigenbasis of 3-tap symmetric filters under one border rule, with the eigenvalue
a + b cos(omega_k) of the filter (b / 2, a, b / 2) (Strang 1999):

    DCT-II   borders repeat the edge      omega_k = pi k / n
    DST-I    borders are zero             omega_k = pi (k + 1) / (n + 1)
    DCT-I    borders reflect, no repeat   omega_k = pi k / (n - 1); basis of the symmetrised filter

DST-I and DCT-I are symmetric, their own inverses; the inverse of DCT-II is DCT-III. DCT-II and
DCT-III use one real FFT of length n (Makhoul 1980), DCT-I one of length 2 n - 2, DST-I one of
length 2 n + 2. These are bad lengths where images have good ones: 257 and 1025 are 257 and 5² 41.
So up to 256 entries DCT-I and DST-I are a matrix product, which costs no more than those FFTs and
three to six times less where n is a power of two.

G. Strang, The Discrete Cosine Transform, SIAM Review 41 (1999). J. Makhoul, A fast cosine
transform in one and two dimensions, IEEE Trans. ASSP 28 (1980).
"""

from __future__ import annotations

import math
from functools import lru_cache

import torch
from torch import Tensor

from ..contracts import Map

LONGEST_MATRIX = 256


def dct1(x: Tensor, /) -> Tensor:
    """The orthonormal DCT-I; at least two entries."""
    return _best(_dct1_by_fft, x)


def dst1(x: Tensor, /) -> Tensor:
    """The orthonormal DST-I."""
    return _best(_dst1_by_fft, x)


def _dct1_by_fft(x: Tensor) -> Tensor:
    ends = x.new_ones(x.shape[-1])
    ends[0] = ends[-1] = 1 / math.sqrt(2)
    z = x * (2 * ends).where(ends < 1, 1)
    even = torch.cat([z, z[..., 1:-1].flip(-1)], -1)
    half: Tensor = torch.fft.rfft(even)
    return half.real * ends / math.sqrt(2 * (x.shape[-1] - 1))


def _dst1_by_fft(x: Tensor) -> Tensor:
    zero = torch.zeros_like(x[..., :1])
    odd = torch.cat([zero, x, zero, -x.flip(-1)], -1)
    half: Tensor = torch.fft.rfft(odd)
    return -half.imag[..., 1:-1] / math.sqrt(2 * (x.shape[-1] + 1))


def _best(transform: Map, x: Tensor) -> Tensor:
    """A symmetric transform, by its matrix while that is small."""
    if x.shape[-1] > LONGEST_MATRIX:
        return transform(x)
    return x @ _matrix(transform, x.shape[-1], x.dtype, x.device)


@lru_cache(maxsize=16)
def _matrix(transform: Map, n: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    """The matrix of a transform, one that gradients may pass, whoever asked for it first."""
    with torch.inference_mode(False):
        return transform(torch.eye(n, dtype=torch.float64)).to(device, dtype)


def dct2(x: Tensor, /) -> Tensor:
    """The orthonormal DCT-II."""
    n = x.shape[-1]
    reordered = torch.cat([x[..., ::2], x[..., 1::2].flip(-1)], -1)
    turned = torch.fft.rfft(reordered) * _turn(x).conj()
    mirrored = -turned.imag[..., 1 : (n + 1) // 2].flip(-1)
    return torch.cat([turned.real, mirrored], -1) * _scale(x)


def dct3(w: Tensor, /) -> Tensor:
    """The orthonormal DCT-III: the inverse and the transpose of `dct2`."""
    n = w.shape[-1]
    z = w / _scale(w)
    mirrored = torch.cat([torch.zeros_like(z[..., :1]), z[..., (n + 1) // 2 :].flip(-1)], -1)
    turned = torch.complex(z[..., : n // 2 + 1], -mirrored[..., : n // 2 + 1])
    reordered = torch.fft.irfft(turned * _turn(w), n)
    x = torch.empty_like(w)
    x[..., ::2] = reordered[..., : (n + 1) // 2]
    x[..., 1::2] = reordered[..., (n + 1) // 2 :].flip(-1)
    return x


def both_axes(transform: Map, x: Tensor, /) -> Tensor:
    """The transform along the last axis and along the one before it."""
    return transform(transform(x).mT).mT


def _turn(x: Tensor) -> Tensor:
    n = x.shape[-1]
    angle = torch.arange(n // 2 + 1, dtype=torch.float64) * math.pi / (2 * n)
    return torch.polar(torch.ones_like(angle), angle).to(x.device, x.dtype.to_complex())


def _scale(x: Tensor) -> Tensor:
    scale = x.new_full((x.shape[-1],), math.sqrt(2 / x.shape[-1]))
    scale[0] = math.sqrt(1 / x.shape[-1])
    return scale
