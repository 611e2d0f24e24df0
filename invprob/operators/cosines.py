"""Orthonormal sine and cosine transforms along the last axis, by FFT.

Each is the eigenbasis of 3-tap symmetric filters under one border rule, with the eigenvalue
a + b cos(omega_k) of the filter (b / 2, a, b / 2) (Strang 1999):

    DCT-II   borders repeat the edge      omega_k = pi k / n
    DST-I    borders are zero             omega_k = pi (k + 1) / (n + 1)
    DCT-I    borders reflect, no repeat   omega_k = pi k / (n - 1); basis of the symmetrised filter

DST-I and DCT-I are symmetric, their own inverses; the inverse of DCT-II is DCT-III. DCT-II and
DCT-III use one real FFT of length n (Makhoul 1980), the others one of twice the length.

G. Strang, The Discrete Cosine Transform, SIAM Review 41 (1999). J. Makhoul, A fast cosine
transform in one and two dimensions, IEEE Trans. ASSP 28 (1980).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from ..contracts import Map


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
    zero = torch.zeros_like(x[..., :1])
    odd = torch.cat([zero, x, zero, -x.flip(-1)], -1)
    half: Tensor = torch.fft.rfft(odd)
    return -half.imag[..., 1:-1] / math.sqrt(2 * (x.shape[-1] + 1))


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
