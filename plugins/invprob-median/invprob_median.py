"""A median filter as a prior: the smallest plugin.

In a window around each pixel, m is the median and v the mean squared distance from it. Where v
is not above the noise the pixel becomes m; where it is far above, an edge, the pixel stays:

    D(x, sigma) = m + max(0, 1 - sigma² / v) (x - m)

This is Lee's filter (J.-S. Lee 1980, IEEE TPAMI 2, 165-168) with a median for the mean.
"""

from attrs import field, frozen, validators
from torch import Tensor
from torch.nn.functional import pad

from invprob import Component, hookimpl


@frozen
class MedianPrior:
    """Images that are flat but for edges.

    Args:
        radius: half the window's side, in pixels; the window is 2 radius + 1 wide.
    """

    radius: int = field(default=2, validator=validators.ge(1))

    def denoise(self, x: Tensor, sigma: Tensor, /) -> Tensor:
        """The filtered image, for `x` `(B, C, H, W)` and `sigma` `()` or `(B,)`."""
        size = 2 * self.radius + 1
        padded = pad(x, [self.radius] * 4, mode="replicate")
        windows = padded.unfold(2, size, 1).unfold(3, size, 1).flatten(-2)
        median = windows.median(-1).values
        spread = (windows - median[..., None]).square().mean(-1)
        keep = 1 - sigma.square().reshape(-1, 1, 1, 1) / spread.clamp_min(1e-12)
        return median + keep.clamp_min(0) * (x - median)


@hookimpl
def invprob_components() -> list[Component]:
    """What this distribution contributes."""
    return [
        Component(
            "prior",
            "median",
            MedianPrior,
            summary="flat images with edges, by an adaptive median filter",
            reference="J.-S. Lee (1980). Digital image enhancement and noise filtering by use of "
            "local statistics. IEEE TPAMI 2, 165-168.",
        )
    ]
