"""Poisson noise, photon counts: y = k / peak with k ~ Poisson(peak x).

    log p(y | x) = k log(peak x) - peak x - lgamma(k + 1),   k = peak y = 0, 1, 2, ...

for x >= 0; a probability on a lattice of spacing 1 / peak; mean x, variance x / peak.

A derivative in y needs values between the lattice points. `score_y` takes them from the formula
above with k real,

    peak (log(peak x) - digamma(k + 1)),

the natural extension, in which the score equation has the closed form
x = exp(digamma(k + 1) + s / peak) / peak. (Xie et al. write log(k + ½) for the digamma: 11 % less
at k = 0, 2 % at k = 1.) Solved with the score of noisy data it returns exp E[log x | y], the
geometric posterior mean, which is below E[x | y]. That score must not be learned too finely: for a
smoothing below half the spacing 1 / peak a network sees the lattice and not the image.

The prox is the positive root of a quadratic. The sum with Gaussian noise is a sum over the counts,
tabulated once (`poisson_gaussian`).

Y. Xie, M. Yuan, B. Dong, Q. Li (2023). Unsupervised Image Denoising with Score Function. NeurIPS.
https://arxiv.org/abs/2304.08384
"""

from __future__ import annotations

import math
import warnings

import torch
from attrs import field, frozen
from torch import Generator, Tensor

from ..contracts import Stabilised, Surrogate
from ..errors import NoiseWarning
from . import pixelwise, stabilised
from .checks import DARKEST, inside, not_negative, positive, refuse
from .common_factor import shared_factor
from .local import pixelwise_surrogate
from .pixelwise import Mode, Smoothed
from .poisson_gaussian import tilted_counts
from .rows import device_of, per_row, precise, together, total


def _peak(value: float) -> float:
    return positive(value, "peak", "the mean photon count of a white pixel, 30")


@frozen
class Poisson:
    """y = k / peak with k ~ Poisson(peak x): photon counts, scaled so that white is 1.

    Args:
        peak: the mean count of a white pixel, x = 1; a pixel of brightness x has the standard
            deviation sqrt(x / peak). A rate per grey level of 0..255 is 255 times smaller.

    Raises:
        InputError: peak is not positive and finite; in use: peak y is no count 0, 1, 2, ...

    >>> import torch, invprob as ip
    >>> noise = ip.Poisson(peak=30)
    >>> y = noise.sample(torch.full((1, 1, 1, 4), 0.5), ip.generator(0))
    >>> noise.prox(y, torch.full_like(y, 0.5), torch.tensor(0.01)) < 1
    tensor([[[[True, True, True, True]]]])

    Formulas: help("invprob.likelihoods.poisson").
    """

    peak: float = field(converter=_peak)

    def sample(self, x: Tensor, generator: Generator, /) -> Tensor:
        """Counts over peak.

        Raises:
            InputError: a pixel of x is negative, by more than half a grey level.
        """
        rate = self.peak * not_negative(x, self).clamp_min(0)
        return torch.poisson(rate.to(device_of(generator)), generator=generator).to(x) / self.peak

    def log_density(self, y: Tensor, x: Tensor, /) -> Tensor:
        """The density log p(y_i | x_i), entry by entry; -inf off the lattice."""
        # log p is what is left of numbers as large as the counts
        count, rate = self.peak * precise(y), self.peak * precise(x)
        possible = ((count > -0.5) & (rate >= 0)) & ~self._off_lattice(y).to(count.device)
        count = count.round().detach() + (count - count.detach())  # no rounding in the value
        count, rate = torch.where(possible, count, 0), torch.where(possible, rate, 1)
        light = rate > 0
        value = torch.xlogy(count, torch.where(light, rate, 1)) - rate - torch.lgamma(count + 1)
        return torch.where(possible & (light | (count < 0.5)), value, -torch.inf).to(x)

    def log_prob(self, y: Tensor, x: Tensor, /) -> Tensor:
        """The sum of log p(y_i | x_i), the log of a probability."""
        return total(self.log_density(y, x))

    def grad_x(self, y: Tensor, x: Tensor, /) -> Tensor:
        """The derivative peak (y / x - 1)."""
        return self.peak * (y / inside(x, DARKEST) - 1)

    def score_y(self, y: Tensor, x: Tensor, /) -> Tensor:
        """The derivative peak (log(peak x) - digamma(peak y + 1))."""
        count = inside(self.peak * y, 0.0)
        return self.peak * ((self.peak * inside(x, DARKEST)).log() - torch.digamma(count + 1))

    def match_score(self, y: Tensor, s: Tensor, x: Tensor, /) -> Tensor:
        """The root exp(digamma(peak y + 1) + s / peak) / peak, a closed form; x is ignored."""
        count = inside(self.peak * y, 0.0)
        return (torch.digamma(count + 1) + s / self.peak).clamp_max(60.0).exp() / self.peak

    def prox(self, y: Tensor, v: Tensor, step: Tensor, /) -> Tensor:
        """The positive root of x² - (v - step peak) x - step peak y = 0; 0 if there is none."""
        rate = self.peak * per_row(step, v)
        half = (v - rate) / 2
        product = rate * inside(y, 0.0)
        root = (half.square() + product).sqrt()
        return torch.where(half > 0, root + half, product / inside(root - half))

    def sample_given(self, y: Tensor, v: Tensor, rho: Tensor, generator: Generator, /) -> Tensor:
        """Draw x ~ p(y | x) N(x; v, rho²), x >= 0, pixel by pixel: see `pixelwise`."""
        y, v = together(inside(y, 0.0), v)
        variance = per_row(rho, v).square()
        at = self.prox(y, v, variance.flatten())
        width = (1 / variance + self.peak * y / inside(at.square(), 1e-12)).rsqrt()
        width = torch.where(at > 0, width, variance / inside(self.peak * variance - v))
        mode = Mode(at, torch.minimum(width, variance.sqrt()))
        return pixelwise.sample_given(self, (mode, mode), (0.0, torch.inf), y, v, rho, generator)

    def stabilise(self, y: Tensor, /) -> Stabilised:
        """The Anscombe transform."""
        return stabilised.of_counts(y, self.peak)

    def surrogate(self, y: Tensor, x: Tensor, sigma: Tensor, /) -> Surrogate:
        """The Gaussian that stands in for p(y | x) near x: see `local`."""
        return pixelwise_surrogate(self, y, x, sigma)

    def smoothed(self, y: Tensor, x: Tensor, sigma: float, /) -> Smoothed:
        """The likelihood of w + sigma n, a sum over the counts: see `poisson_gaussian`."""
        like, spread = x, self.peak * sigma
        y, given = precise(y), precise(x)  # log p is what is left of y² / 2 sigma²
        x = inside(given, 1e-12)  # no division by x here that would suffer from it
        tilt = (self.peak * x).log() + self.peak * y / spread**2
        log_mass, mean = tilted_counts(tilt, spread)
        log_density = log_mass - self.peak * x - 0.5 * (y / sigma).square()
        log_density = log_density - math.log(sigma) - 0.5 * math.log(math.tau)
        mean = mean / self.peak
        slope = self.peak * (mean / x - 1)
        found = log_density + (given - x) * slope, (mean - y) / sigma**2, slope
        return Smoothed(*(values.to(like) for values in found))

    def least_x(self) -> float:
        """Black."""
        return 0.0

    def check_measurement(self, y: Tensor, /) -> None:
        """Raise `InputError` if peak y has an entry that is no count; warn of a common factor."""
        hint = "; if the sensor adds Gaussian noise, use Mixture(Poisson(peak), sigma)"
        anything = f"-l poisson-gaussian:peak={self.peak:g},sigma=0.01"
        refuse(
            y,
            y < -0.5 / self.peak,
            "a photon count is not negative" + hint,
            typed=f"{anything} for any numbers; --black and --white for a camera's",
        )
        refuse(
            y,
            self._off_lattice(y),
            f"times peak={self.peak:.6g} it is no count 0, 1, 2, ...; give y = counts / peak, or "
            "the right peak; for a rounded file round it: (y * peak).round() / peak" + hint,
            typed="--white N -l poisson:peak=N for raw counts, of which N is bright; "
            f"{anything} for any numbers",
        )
        if 1 < (units := shared_factor((self.peak * y).round())) <= self.peak:
            said = (
                f"with peak={self.peak:g} all counts are multiples of {units}: {units} units for "
                f"each photon? Then peak={self.peak / units:g}"
            )
            if bool((y == y.round()).all()):
                said = (
                    f"y has whole numbers alone, up to {float(y.max()):g}: are these the counts? "
                    f"Then give y / {self.peak:g}"
                )
            warnings.warn(said, NoiseWarning, stacklevel=2)

    def spacing(self) -> float:
        """The distance of two possible values of y: their probabilities sum, not integrate."""
        return 1 / self.peak

    def _off_lattice(self, y: Tensor) -> Tensor:
        count = self.peak * y
        slack = 1e-3 + 32 * torch.finfo(y.dtype).eps * (count.abs() + self.peak)
        return (count - count.round()).abs() > slack
