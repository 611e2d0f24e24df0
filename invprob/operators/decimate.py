"""Blur, then keep every r-th pixel: super-resolution with any kernel.

    y = D K x,   K circular convolution,   (D x)[i] = x[r i]

The decomposition is exact, real, and costs one FFT per map. Write K = |K| P with the phase filter
P, real and orthogonal: it turns with the image, H = (D |K|) P. In the Hartley bases (see
`fourier`) of the image, Q, and of the measurement, R, the factor D |K| is a real matrix that mixes
only the r² frequencies which decimation folds onto one another,

    (R y)[k] = (1 / r) sum over a of |g[k + a n / r]| (Q P x)[k + a n / r],

so H has one singular value per measured frequency and a Householder basis for each group:

    s[k] = sqrt(mean over a of |g[k + a n / r]|²),   U = R,   V = Pᵀ Q (Householder basis of |g|)

and s = 0 in the other r² - 1 coordinates of each group: the details that are lost.
"""

from __future__ import annotations

from typing import Literal

import torch
from attrs import field, frozen
from torch import Tensor

from ..contracts import SVD, Shape
from . import kernels
from .downsample import block_factor, divide, multiply
from .filters import Filter
from .fourier import hartley
from .householder import axis_of, first, reflect
from .memo import Memo
from .planes import blocks

_ALIASES = (-4, -2)


@frozen(eq=False, repr=False)
class BlurDecimate:
    """H x = (kernel * x)[::factor, ::factor], circular convolution and decimation.

    Args:
        kernel: `(h, w)` for all channels, or `(C, h, w)`; see `CircularBlur`.
        factor: which pixels are kept: every factor-th, from the first; at least 1.

    Raises:
        InputError: the kernel or the factor can't be; in use: the kernel is larger than the
            image, or the factor does not divide its height and width.

    >>> import torch, invprob as ip
    >>> shrink = ip.BlurDecimate.named("gaussian1", factor=2)
    >>> shrink
    BlurDecimate(kernel=7x7, factor=2)
    >>> shrink.forward(torch.rand(1, 3, 16, 16)).shape
    torch.Size([1, 3, 8, 8])
    """

    _filter: Filter = field(converter=Filter, alias="kernel")
    factor: int = field(converter=block_factor)
    _memo: Memo[Tensor] = field(factory=Memo, init=False)

    @classmethod
    def named(cls, kernel: str, factor: int) -> BlurDecimate:
        """The operator with a kernel of this name: `uniform5`, `gaussian1.5`, `motion9@30`.

        Args:
            kernel: `uniformSIZE`, `gaussianSIGMA` or `motionLENGTH@ANGLE`, in pixels and degrees.
            factor: every factor-th pixel is kept.

        Raises:
            InputError: no kernel is called so, or the factor can't be.
        """
        return cls(kernels.named(kernel), factor)

    @property
    def kernel(self) -> Tensor:
        """The kernel, float64."""
        return self._filter.kernel

    def forward(self, x: Tensor, /) -> Tensor:
        """Blurred, then decimated."""
        self.out_shape(tuple(x.shape[1:]))
        return self._filter.apply("transfer", x)[..., :: self.factor, :: self.factor]

    def adjoint(self, y: Tensor, /) -> Tensor:
        """Zeros between the pixels, then the correlation with the kernel."""
        x = y.new_zeros((y.shape[0], *self.image_shape(tuple(y.shape[1:]))))
        x[..., :: self.factor, :: self.factor] = y
        return self._filter.apply_adjoint("transfer", x)

    def out_shape(self, shape: Shape, /) -> Shape:
        """Height and width divided by the factor; `InputError` if it does not divide them."""
        self._filter.size(shape)
        return divide(shape, self.factor, self)

    def image_shape(self, shape: Shape, /) -> Shape:
        """Height and width times the factor."""
        image = multiply(shape, self.factor, self)
        self._filter.size(image)
        return image

    def acts_on(self) -> Literal["plane"] | None:
        """Each channel alone, unless channels have kernels of their own."""
        return None if self._filter.per_channel() else "plane"

    def svd(self, shape: Shape, /) -> SVD:
        """One singular value per measured frequency, and zeros: each map is one FFT."""
        height, width = self.out_shape(shape)[-2:]
        s = torch.zeros(shape, dtype=torch.float64)
        s[..., :height, :width] = self._gains(shape).norm(dim=_ALIASES) / self.factor

        def basis(w: Tensor) -> Tensor:
            groups = blocks(w, (self.factor, height), (self.factor, width))
            return reflect(groups, self._axes(shape, w), _ALIASES).reshape(w.shape)

        def v(w: Tensor) -> Tensor:
            return self._filter.apply_adjoint("rotation", hartley(basis(w)))

        def vt(x: Tensor) -> Tensor:
            return basis(hartley(self._filter.apply("rotation", x)))

        seen = (s > 0)[..., :height, :width]

        def u(w: Tensor) -> Tensor:
            return hartley(w[..., :height, :width] * seen.to(w))

        def ut(y: Tensor) -> Tensor:
            w = y.new_zeros((y.shape[0], *shape))
            w[..., :height, :width] = hartley(y) * seen.to(y)
            return w

        return SVD(s, v, vt, u, ut)

    def _gains(self, shape: Shape) -> Tensor:
        """|g| in groups of frequencies that fold onto one another: `(..., r, H/r, r, W/r)`."""
        height, width = self.out_shape(shape)[-2:]
        gains = self._filter.transfer(shape).abs()
        return blocks(gains, (self.factor, height), (self.factor, width))

    def _axes(self, shape: Shape, w: Tensor) -> Tensor:
        """The Householder vectors of the groups, in the precision of w."""

        def make() -> Tensor:
            gains = self._gains(shape)
            first(gains, _ALIASES)[gains.sum(_ALIASES, keepdim=True) == 0] = 1  # blind: any basis
            return axis_of(gains / gains.norm(dim=_ALIASES, keepdim=True), _ALIASES).to(w)

        return self._memo.get((shape[-2:], w.dtype, w.device), make)

    def __repr__(self) -> str:
        return f"BlurDecimate(kernel={self._filter.taps()}, factor={self.factor})"
