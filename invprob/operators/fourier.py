"""The real Fourier basis, and the half spectrum that torch's real FFT works with.

A circulant operator is diagonal in the *complex* Fourier basis. A real singular value
decomposition needs a real basis: the Hartley transform (Bracewell 1983)

    (Q x)[k] = sum over i of cas(2 pi <k, i> / n) x[i] / sqrt(n) = Re (F x)[k] - Im (F x)[k],

with cas = cos + sin and F the orthonormal DFT. Q is real, symmetric and its own inverse. Both
directions cost one real FFT, because F Q w needs none:

    (F Q w)[k] = ((w[-k] + w[k]) + i (w[-k] - w[k])) / 2.

So a filter with the transfer function g is `from_half(half_of_hartley(w) * g)` from coefficients
to an image, and `hartley_of_half(to_half(x) * conj(g))` back. All transforms act on the last two
axes and are orthonormal.

R. N. Bracewell, Discrete Hartley transform, J. Opt. Soc. Am. 73 (1983).
"""

from __future__ import annotations

import torch
from torch import Tensor


def to_half(x: Tensor, /) -> Tensor:
    """F x for the first W // 2 + 1 columns of frequencies, `(..., H, W // 2 + 1)`, complex."""
    half: Tensor = torch.fft.rfft2(x, norm="ortho")
    return half


def from_half(half: Tensor, size: tuple[int, int], /) -> Tensor:
    """The real image `(..., H, W)` with this half spectrum; the inverse of `to_half`."""
    x: Tensor = torch.fft.irfft2(half, s=size, norm="ortho")
    return x


def reflect(w: Tensor, /) -> Tensor:
    """w[-k], indices modulo the size."""
    return w.flip((-2, -1)).roll((1, 1), (-2, -1))


def hartley_of_half(half: Tensor, width: int, /) -> Tensor:
    """Q x from the half spectrum of x; the inverse of `half_of_hartley`."""
    real, imag = half.real, half.imag
    right = (real + imag)[..., 1 : (width + 1) // 2].flip((-2, -1)).roll(1, -2)
    return torch.cat([real - imag, right], -1)


def half_of_hartley(w: Tensor, /) -> Tensor:
    """The half spectrum F Q w of coefficients w."""
    columns = w.shape[-1] // 2 + 1
    mirrored = reflect(w)[..., :columns]
    kept = w[..., :columns]
    return torch.complex((mirrored + kept) / 2, (mirrored - kept) / 2)


def hartley(x: Tensor, /) -> Tensor:
    """Q x, orthonormal and its own inverse.

    >>> x = torch.rand(5, 4, dtype=torch.float64)
    >>> bool(torch.allclose(hartley(hartley(x)), x))
    True
    """
    return hartley_of_half(to_half(x), x.shape[-1])


def transfer(kernel: Tensor, size: tuple[int, int], /) -> Tensor:
    """The eigenvalues of circular convolution with a centred kernel, `(..., H, W)`, complex.

    The centre is `(h // 2, w // 2)`. Values below 1e-14 times the sum of |kernel| are rounding,
    and become exact zeros. The result is conjugate-symmetric to the last bit, g[-k] = conj(g[k]),
    so that |g| and the phase of g are those of *real* operators.

    Args:
        kernel: `(..., h, w)`, real, not larger than the plane.
        size: the plane, `(H, W)`.
    """
    h, w = kernel.shape[-2:]
    padded = kernel.new_zeros((*kernel.shape[:-2], *size))
    padded[..., :h, :w] = kernel
    spectrum = torch.fft.fft2(padded.roll((-(h // 2), -(w // 2)), (-2, -1)))
    spectrum = (spectrum + reflect(spectrum).conj()) / 2
    rounding = 1e-14 * kernel.abs().sum((-2, -1), keepdim=True)
    return torch.where(spectrum.abs() > rounding, spectrum, 0)
