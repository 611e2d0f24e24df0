"""Particles: samples of one measurement that weigh each other, and look ahead at the data.

Restarts at a high noise level decide which mode of the prior a sample ends in, from a measurement
that is inflated to that level: w_j counts as if its noise were max(sd_j, r). What the data still
have to say comes later, when the sample can't change its mode any more. Two exact devices help,
for which the prior's density need not be known, because it cancels.

**Weights.** From level r to r' the target gains the factor N(w; x, r') / N(w; x, r), and given the
noisy image x(r) the clean image x does not depend on w any more. With the denoised image
D = D(x(r), r) in place of x, in the singular basis,

    log W = -½ sum_j (w_j - D_j)² (1 / max(sd_j, r')² - 1 / max(sd_j, r)²).

Samples that interact are drawn again in proportion to their weights when those become uneven.

**Look-ahead.** A weight that comes too late finds no sample left in the right mode. So the target
at level r is p(x(r) | w at level r) exp(psi), with what the data still say of the denoised image,

    psi(x(r)) = -½ sum_j (w_j - D_j)² G_j / (1 + V G_j),   G_j = 1 / sd_j² - 1 / max(sd_j, r)²,

in which V = r² v / (r² + v) stands for the variance that x still has, given x(r) and its mode, if
pixels vary by v within a mode; v is a tenth of their variance around the mean image. A move adds
the difference of its psi to log W. At the last level G, and with it psi, is zero: the target is
the posterior itself.

**Crowds.** Modes are decided at few levels, and there it counts how many images the denoiser is
shown. So a sample begins as a crowd of particles, which are drawn again at each level, each time
the same share fewer, until one is left: with a hundred calls about 25 particles and 7 levels, with
a thousand 150 and 24. A few levels follow for what is left to do within the mode. A crowd costs no
more than its sample has calls, and independent samples remain independent. Samples that interact
put their crowds together.

**Guidance.** Where the prior can denoise three times its radius, the first restart comes from so
much noise that D is the prior's mean whatever x(r) is, and the few particles that start around it
may all be far from what was measured. So D is shifted by (1 - k) times what the data say of the
image by the prior's linear response, for some more calls (`linear_response`): the crowd starts
around the best linear estimate. Later restarts can be shifted, too, which is rarely worth it. A
shift is never longer than three times the noise at the next level. Where particles weigh each
other, log W pays for it: ½ sum (n_j² - (n_j + shift_j / width_j)²), with n the new normal numbers
of the restart.

Noise that is not Gaussian has weights, a look-ahead, moves and crowds of its own:
`surrogate_crowds`.

Approximate: D in place of x, which neglects the covariance of x given x(r) in the weights; a
finite number of particles. Their weights add up over all pixels: this is for images of at most a
few thousand numbers.

References: noise inflation as tempering, B. Kawar, G. Vaksman, M. Elad (2021), SNIPS.
https://arxiv.org/abs/2105.14951; look-ahead and weights, L. Wu, B. Trippe, C. Naesseth, D. Blei,
J. Cunningham (2023), Practical and Asymptotically Exact Conditional Sampling in Diffusion Models,
https://arxiv.org/abs/2306.17775.
"""

from __future__ import annotations

import torch
from attrs import frozen
from torch import Tensor

WITHIN = 0.1
"""The share of the pixels' variance that is taken for what they vary by within a mode."""
NOTHING_AHEAD = 0.05
"""Below this share of the noise's precision the data ahead are not worth a call."""
EVEN = 0.7
"""Particles are drawn again when their effective number is less than this share of them."""


@frozen(eq=False)
class Data:
    """A measurement in its singular basis, a row for each particle.

    Attributes:
        w: `(N, *spectral)`.
        sd: noise of each coordinate, `(*spectral)`; inf where nothing was measured.
        variance: v, of the pixels within a mode.
    """

    w: Tensor
    sd: Tensor
    variance: float

    def ahead(self, denoised: Tensor, level: float, /) -> Tensor:
        """The look-ahead psi, `(N,)`, of denoised images `(N, *spectral)`."""
        misfit = (self.w - denoised).square()
        return -0.5 * (misfit * self._precision(level)).flatten(1).sum(1)

    def gain(self, denoised: Tensor, level: float, following: float, /) -> Tensor:
        """The log weight of going down from one level to the next, `(N,)`."""
        new, old = (self.sd.clamp(min=bound).square() for bound in (following, level))
        return -0.5 * ((self.w - denoised).square() * (1 / new - 1 / old)).flatten(1).sum(1)

    def informs(self, level: float, /) -> bool:
        """Whether the data know more than their inflation to this level says."""
        return float(self.unused(level).max()) * level**2 > NOTHING_AHEAD

    def unused(self, level: float, /) -> Tensor:
        """G: the precision that the data have beyond their inflation to this level."""
        return 1 / self.sd.square() - 1 / self.sd.clamp(min=level).square()

    def _precision(self, level: float) -> Tensor:
        """G / (1 + V G)."""
        unused = self.unused(level)
        left = level**2 * self.variance / (level**2 + self.variance)
        return unused / (1 + left * unused)


def capped(shift: Tensor, width: float) -> Tensor:
    """No longer than noise of this width is."""
    return shift * rows((width / rms(shift)).clamp(max=1), shift)


def effort(normal: Tensor, shift: Tensor) -> Tensor:
    """What a shift of the normal numbers costs in log weight, `(N,)`."""
    return 0.5 * (normal.square() - (normal + shift).square()).flatten(1).sum(1)


def rows(value: Tensor, like: Tensor) -> Tensor:
    """A number for each row, `(N,)`, as `(N, 1, ...)`."""
    return value.reshape(-1, *[1] * (like.ndim - 1))


def rms(value: Tensor) -> Tensor:
    """The root mean square of each row, `(N,)`, never zero."""
    return value.flatten(1).square().mean(1).sqrt().clamp(min=torch.finfo(value.dtype).tiny)


@frozen
class Groups:
    """Which particles interact: those of `members` rows of one measurement.

    Attributes:
        samples: rows of each measurement, a multiple of `members`.
        measurements: row `i * measurements + b` is sample i of measurement b.
        members: rows that make a group.
    """

    samples: int
    measurements: int
    members: int

    def draw(
        self, weight: Tensor, uniform: Tensor, keep: int, /, *, always: bool = False
    ) -> tuple[Tensor, Tensor]:
        """Systematic resampling: which particles go on, and their log weights.

        Args:
            weight: log weights of the particles, `(rows, n)`.
            uniform: a number in [0, 1) for each row, of which each group takes its first one's.
            keep: how many particles each row shall have. If it has as many now, groups with even
                weights are left alone.
            always: draw in those too.

        Returns:
            Numbers in `range(rows * n)`, and log weights, both `(rows, keep)`.

        >>> group = Groups(samples=2, measurements=1, members=2)
        >>> weight = torch.tensor([[0.0], [-9.0]])
        >>> group.draw(weight, torch.tensor([0.5, 0.5]), 1)[0]
        tensor([[0],
                [0]])
        """
        rows, count = weight.shape
        together = self._together(weight).cpu().double()  # some devices have no 64 bits
        share = together.softmax(1)
        total = self.members * keep
        offset = self._together(uniform[:, None])[:, :1].cpu().double()
        place = (offset + torch.arange(total)) / total
        chosen = torch.searchsorted(share.cumsum(1), place).clamp(max=share.shape[1] - 1)
        fresh = torch.zeros_like(place)
        if keep == count and not always:
            uneven = 1 / share.square().sum(1, keepdim=True) < EVEN * total
            same = torch.arange(total).expand_as(chosen)
            chosen = torch.where(uneven, chosen, same)
            fresh = torch.where(uneven, fresh, together)
        number = self._together(torch.arange(rows * count, device=weight.device).view(rows, count))
        return (
            self._apart(number.gather(1, chosen.to(weight.device)), keep),
            self._apart(fresh.to(weight), keep),
        )

    def _together(self, value: Tensor) -> Tensor:
        """`(rows, n)` to `(groups, members * n)`."""
        split = value.reshape(-1, self.members, self.measurements, value.shape[1])
        return split.movedim(2, 1).reshape(-1, self.members * value.shape[1])

    def _apart(self, value: Tensor, count: int) -> Tensor:
        """`(groups, members * n)` to `(rows, n)`."""
        split = value.reshape(-1, self.measurements, self.members, count)
        return split.movedim(2, 1).reshape(-1, count)
