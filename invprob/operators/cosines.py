"""Orthonormal sine and cosine transforms along the last axis, by FFT.

Each is the eigenbasis of 3-tap symmetric filters under one border rule, with the eigenvalue
a + b cos(omega_k) of the filter (b / 2, a, b / 2) (Strang 1999):

    DCT-II   borders repeat the edge      omega_k = pi k / n
    DST-I    borders are zero             omega_k = pi (k + 1) / (n + 1)
    DCT-I    borders reflect, no repeat   omega_k = pi k / (n - 1); basis of the symmetrised filter

DST-I and DCT-I are symmetric, their own inverses; the inverse of DCT-II is DCT-III. DCT-II and
DCT-III use one real FFT of length n (Makhoul 1980), DCT-I one of length 2 n - 2, DST-I one of
length 2 n + 2. The last is a bad one where images have a good one: 257 and 1025 are 257 and 5² 41.
So up to 256 entries DST-I is a matrix product, which costs less than that FFT, three to six times
less where n is a power of two.

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
    ends = x.new_ones(x.shape[-1])
    ends[0] = ends[-1] = 1 / math.sqrt(2)
    z = x * (2 * ends).where(ends < 1, 1)
    even = torch.cat([z, z[..., 1:-1].flip(-1)], -1)
    half: Tensor = torch.fft.rfft(even)
    return half.real * ends / math.sqrt(2 * (x.shape[-1] - 1))


def dst1(x: Tensor, /) -> Tensor:
    """The orthonormal DST-I."""
    n = x.shape[-1]
    if n <= LONGEST_MATRIX:
        return x @ _sines(n, x.dtype, x.device)
    zero = torch.zeros_like(x[..., :1])
    odd = torch.cat([zero, x, zero, -x.flip(-1)], -1)
    half: Tensor = torch.fft.rfft(odd)
    return -half.imag[..., 1:-1] / math.sqrt(2 * (n + 1))


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


@lru_cache(maxsize=16)
def _sines(n: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    """The matrix of DST-I, one that gradients may pass, whoever asked for it first."""
    with torch.inference_mode(False):
        return _sine_matrix(n).to(device, dtype)


def _sine_matrix(n: int) -> Tensor:
    k = torch.arange(1, n + 1, dtype=torch.float64)
    angle = torch.outer(k, k).remainder(2 * (n + 1)) * (math.pi / (n + 1))
    return angle.sin() * math.sqrt(2 / (n + 1))


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
