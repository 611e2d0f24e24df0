"""Simulation-based calibration: are a sampler's samples as spread as they claim to be?

Draw an image from the prior, measure it, and draw L samples of the posterior:

    x ~ p(x)        y ~ p(y | x)        x_1, ..., x_L ~ p(x | y)

If the sampler is exact, x and x_1, ..., x_L are L + 1 draws of one distribution, and nothing tells
x from the others. So for any number f(x) that can be computed from an image, the rank

    rank = number of samples with f(x_l) < f(x),      one of 0, ..., L

is uniform. Over many measurements the histogram of the ranks says what is wrong: high at both
ends, the samples vary too little (the truth lies outside of them); high in the middle, too much;
sloping, they are biased. The same ranks say how often a credible interval covers the truth.

It needs no exact posterior, only a prior that can be sampled, or images that it has not seen, and
it applies to every sampler. It is necessary, not sufficient: samples of the *prior* are calibrated
too, and useless; look at their error as well (`exact_posterior.error_ratio`).

Here f are random projections u·x, the same for all measurements, or what you give. A measurement
counts once for each f, and within one f the ranks of different measurements are independent, so
each f has an honest chi-square test; the smallest p-value is multiplied by the number of f
(Bonferroni). Ties are broken at random.

Pixels may be too sure where projections, sums over all of them, are not; and ranks do not say by
how much. The error of the mean over the spread does (`spread`), whatever the f are.

Reference: S. Talts, M. Betancourt, D. Simpson, A. Vehtari, A. Gelman (2018). Validating Bayesian
Inference Algorithms with Simulation-Based Calibration. https://arxiv.org/abs/1804.06788
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import torch
from attrs import field, frozen
from scipy import stats
from torch import Generator, Tensor

from ..contracts import AnySolver, Likelihood, Prior, SamplesPrior, Shape
from ..counts import check_count
from ..drive import solve
from ..errors import IncompatibleError, InputError
from ..priors.checks import check_images
from ..problem import Problem, domain_of
from ..streams import generator as make_generator
from .spread import check_truth, error_over_spread

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LEAST_EXPECTED, MOST_BINS = 8, 20


@frozen(eq=False)
class Calibration:
    """The ranks of true images among samples, and what they say.

    Attributes:
        ranks: of each measurement and each number f, `(B, K)`, in 0 ... samples.
        samples: L, how many samples each measurement had.
        error_over_spread: the error of their mean over what their deviation promises: 1 is
            honest, more is too sure by that factor. `None` if L is 1, or if it is not known.
    """

    ranks: Tensor = field(repr=lambda ranks: str(tuple(ranks.shape)))
    samples: int
    error_over_spread: float | None = None

    def __attrs_post_init__(self) -> None:
        integers = not self.ranks.is_floating_point() and self.ranks.ndim == 2
        if self.samples < 1 or not integers or self.ranks.numel() == 0:
            raise InputError(
                f"ranks of type {self.ranks.dtype} and shape {tuple(self.ranks.shape)} among "
                f"{self.samples} samples; give integers (B, K) and at least one sample"
            )
        if int(self.ranks.min()) < 0 or int(self.ranks.max()) > self.samples:
            raise InputError(
                f"ranks from {int(self.ranks.min())} to {int(self.ranks.max())}; among "
                f"{self.samples} samples they lie in 0 ... {self.samples}"
            )

    @property
    def dispersion(self) -> float:
        """Mean squared distance of the ranks from the middle, over that of uniform ranks.

        1 is calibrated; more, the samples vary too little; less, too much; at most 3.
        """
        middle = self.samples / 2
        expected = self.samples * (self.samples + 2) / 12
        return float((self.ranks.double() - middle).square().mean()) / expected

    @property
    def p_value(self) -> float:
        """The probability of ranks at least as uneven if the sampler is exact.

        A chi-square test for each f, corrected for their number; small means not calibrated.
        """
        counts, expected = self.histogram()
        worst = min(float(stats.chisquare(row, expected.numpy()).pvalue) for row in counts.numpy())
        return min(1.0, len(counts) * worst)

    def histogram(self) -> tuple[Tensor, Tensor]:
        """Counts in bins of neighbouring ranks, `(K, bins)`, and what is expected, `(bins,)`.

        There are as many bins as the measurements allow, at most 20.
        """
        kinds = self.samples + 1
        bins = max(2, min(kinds, MOST_BINS, len(self.ranks) // LEAST_EXPECTED))
        expected = (torch.arange(kinds) * bins // kinds).bincount(minlength=bins)
        counts = [row.bincount(minlength=bins) for row in (self.ranks * bins // kinds).T]
        return torch.stack(counts), expected.double() * (len(self.ranks) / kinds)

    def coverage(self) -> tuple[Tensor, Tensor]:
        """How often central credible intervals should cover the truth, and how often they do.

        One entry for each interval that L samples can express, from the narrowest to the widest
        that leaves something out. Too confident samples cover less than they should.
        """
        left = torch.arange((self.samples + 1) // 2, 0, -1)
        left = left[2 * left < self.samples + 1]
        nominal = 1 - 2 * left.double() / (self.samples + 1)
        ranks = self.ranks.flatten()[None]
        inside = (ranks >= left[:, None]) & (ranks <= self.samples - left[:, None])
        return nominal, inside.double().mean(1)

    def plot(self) -> Figure:
        """The rank histogram with the 99 % band of an exact sampler, and the coverage."""
        from matplotlib.figure import Figure

        counts, expected = self.histogram()
        figure = Figure(figsize=(7, 3), layout="constrained")
        left, right = figure.subplots(1, 2)
        place = torch.arange(len(expected))
        share = expected / len(self.ranks)
        low, high = stats.binom.interval(0.99, len(self.ranks), share.numpy())
        left.fill_between(place, low, high, step="mid", color="0.85", label="99 % if exact")
        for row in counts:
            left.step(place, row, where="mid", color="C0", linewidth=0.8, alpha=0.6)
        left.step(place, counts.double().mean(0), where="mid", color="black", label="mean")
        left.set(xlabel="rank of the truth", ylabel="measurements", ylim=(0, None), xticks=[])
        left.legend(frameon=False, fontsize="small")
        nominal, observed = self.coverage()
        right.plot([0, 1], [0, 1], color="0.7", linewidth=0.8)
        right.plot(nominal, observed, color="C0")
        right.set(xlabel="credible level", ylabel="covers the truth", xlim=(0, 1), ylim=(0, 1))
        figure.suptitle(
            f"dispersion {self.dispersion:.2f}, p = {self.p_value:.2g}", fontsize="medium"
        )
        return figure

    def __str__(self) -> str:
        """What it says, in a sentence."""
        count, numbers = self.ranks.shape
        said = (
            f"{count} measurements, {self.samples} samples, {numbers} numbers each: "
            f"dispersion {self.dispersion:.2f} (1 is right, more is too sure), "
            f"p = {self.p_value:.2g}"
        )
        if self.error_over_spread is None:
            return said
        return (
            f"{said}; pixels: error over spread {self.error_over_spread:.2f} (1 is right; if it "
            "is more, the samples' deviation is too small by that factor)"
        )


def rank(
    samples: Tensor,
    x: Tensor,
    generator: Generator,
    /,
    *,
    numbers: int | Callable[[Tensor], Tensor] = 8,
) -> Calibration:
    """The ranks of true images among posterior samples.

    Args:
        samples: of each measurement, `(L, B, *image)`, as in `Result.samples`.
        x: the images that were measured, `(B, *image)`, drawn from the prior.
        generator: draws the projections and breaks ties.
        numbers: how many random projections; or f itself, from `(N, *image)` to `(N, K)`.

    Raises:
        InputError: the shapes do not belong together.

    >>> import torch, invprob as ip
    >>> draw = ip.generator(0)
    >>> x, samples = torch.randn(400, 3, generator=draw), torch.randn(9, 400, 3, generator=draw)
    >>> rank(samples, x, draw).p_value > 0.01
    True
    >>> too_sure = rank(0.5 * samples, x, draw)
    >>> too_sure.dispersion > 1.4, too_sure.p_value < 1e-6
    (True, True)
    """
    check_truth(samples, x)
    if isinstance(numbers, int):
        if numbers < 1:
            raise InputError(f"numbers={numbers}; at least one projection is needed")
        size = math.prod(x.shape[1:])
        axes = torch.randn(size, numbers, generator=generator, dtype=torch.float64)
        true, drawn = (part.flatten(-x.ndim + 1).cpu().double() @ axes for part in (x, samples))
    else:
        true = numbers(x)
        drawn = numbers(samples.flatten(0, 1)).reshape(len(samples), *true.shape)
    below, ties = (drawn < true).sum(0).cpu(), (drawn == true).sum(0).cpu()
    share = torch.rand(ties.shape, generator=generator, dtype=torch.float64)
    ranks = below + (share * (ties + 1)).long()
    vary = len(samples) > 1 and bool((samples[1:] != samples[0]).any())
    return Calibration(ranks, len(samples), error_over_spread(samples, x) if vary else None)


def calibrate(
    prior: Prior,
    likelihood: Likelihood,
    solver: AnySolver,
    /,
    *,
    images: int | Tensor = 200,
    samples: int = 31,
    shape: Shape | None = None,
    numbers: int | Callable[[Tensor], Tensor] = 8,
    seed: int = 0,
) -> Calibration:
    """Run a sampler on images that the prior drew, and rank them among its samples.

    All measurements are solved in one batch of `images * samples` rows. A prior that draws none,
    as a denoiser, is held against images of the kind that it was made for and was not trained
    on. Then the ranks judge prior and sampler together.

    Args:
        prior: is what the sampler believes, and draws the images.
        likelihood: measures them, and is what the sampler believes.
        solver: the sampler.
        images: how many to draw; or the images themselves, `(N, *image)` in [0, 1], in the place
            of draws.
        samples: how many samples of each.
        shape: of an image to draw; by default the one that the prior knows.
        numbers: how many random projections; or f itself, from `(N, *image)` to `(N, K)`.
        seed: of everything.

    Raises:
        IncompatibleError: the prior or the likelihood lacks what the solver needs.
            Or the prior draws no images, and none are given.
        InputError: the solver is deterministic, or the prior knows no one shape.

    >>> import torch, invprob as ip
    >>> prior = ip.GaussianPrior(mean=torch.full((1, 4, 4), 0.5), sd=0.2)
    >>> check = ip.calibrate(prior, ip.Gaussian(sigma=0.2), ip.Restart(), samples=15)
    >>> check.ranks.shape, check.p_value > 0.01
    (torch.Size([200, 8]), True)
    >>> shown = prior.sample((20, 1, 4, 4), ip.generator(1))  # in the place of images of one's own
    >>> half = ip.DenoiserPrior(prior.denoise)
    >>> ip.calibrate(half, ip.Gaussian(sigma=0.2), ip.Restart(), images=shown).ranks.shape
    torch.Size([20, 8])
    """
    draw = make_generator(seed, 0)
    x = images if isinstance(images, Tensor) else _drawn(prior, images, shape, draw)
    check_images(x, domain_of(prior), prior)
    y = likelihood.sample(x, draw)
    problem: Problem[Any, Any] = Problem(prior, likelihood, y, x.shape[1:])
    result = solve(problem, solver, samples=samples, seed=seed, progress=False)
    return rank(result.samples, x, make_generator(seed, 1), numbers=numbers)


def _drawn(prior: object, count: int, shape: Shape | None, draw: Generator) -> Tensor:
    """So many images of a prior."""
    if not isinstance(prior, SamplesPrior):
        raise IncompatibleError(
            f"{prior!r} draws no images, it has no method `sample(shape, generator)`; give some"
            " that it was not trained on: images=x, (N, *image) in [0, 1]"
        )
    shape = shape or domain_of(prior).shape
    if shape is None:
        raise InputError(f"{prior!r} has no shape of its own; give one: shape=(1, 16, 16)")
    check_count("images", count)
    return prior.sample((count, *shape), draw)
