"""How right samples are where the posterior is known: its modes, its width, its mean.

A distance between two sets of samples (see `wasserstein`) says that something is wrong; these
three say what.

* **Mode weights.** Under a mixture posterior with weights w_k each sample belongs to component k
  with a probability, its responsibility, whose mean over the posterior is w_k exactly. So

      TV = 1/2 sum_k | mean over samples of responsibility_k - w_k |

  is 0 for exact samples, but for their number, and the share of samples in the wrong place
  otherwise; it does not ask whether modes overlap.
* **Spread ratio.** sqrt( tr(covariance of the samples) / tr(covariance of the posterior) ): below
  1 the samples are too sure, above 1 not sure enough.
* **Ratio of squared errors.** If x and a sample x' are independent draws from p(x | y) and m is
  its mean, E ‖x' - x‖² = 2 E ‖x - m‖². So over many measurements the squared error of one sample,
  over that of the posterior mean, is **2** for an exact sampler: less is too little spread, more
  is an error on top of it.

Reference for the last: Y. Blau, T. Michaeli (2018). The Perception-Distortion Tradeoff. CVPR.
https://arxiv.org/abs/1711.06077
"""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor

from ..errors import InputError


class KnowsModes(Protocol):
    """A mixture that can say where an image belongs, such as `GaussianMixturePrior`."""

    @property
    def weights(self) -> Tensor:
        """The weights of the components, `(K,)`, which sum to 1."""

    def responsibilities(self, x: Tensor, /) -> Tensor:
        """The probability of each component given each image, `(N, K)`."""


def mode_distance(samples: Tensor, posterior: KnowsModes, /) -> float:
    """The total variation between the samples' mode weights and the posterior's, in [0, 1].

    N exact samples of well-separated modes give sum_k sqrt(w_k (1 - w_k) / (2 pi N)) on average.

    Args:
        samples: of one measurement, `(N, *image)`.
        posterior: the exact one.

    Raises:
        InputError: there are no samples.

    >>> import torch, invprob as ip
    >>> means = torch.tensor([[-1.0], [1.0]])
    >>> posterior = ip.GaussianMixturePrior(torch.ones(2), means, 0.01 * torch.eye(1))
    >>> mode_distance(torch.tensor([[-1.1], [0.9], [1.0], [1.1]]), posterior)
    0.25
    """
    _check_samples(samples)
    found = posterior.responsibilities(samples).double().mean(0)
    return 0.5 * float((found - posterior.weights.to(found)).abs().sum())


def spread_ratio(samples: Tensor, covariance: Tensor, /) -> float:
    """The samples' spread over the posterior's: 1 is right, less is too sure.

    Args:
        samples: of one measurement, `(N, *image)`, at least two.
        covariance: the posterior's over the d pixels, `(d, d)`, or their variances `(d,)`.

    Raises:
        InputError: there are fewer than two samples, or the sizes differ.

    >>> import torch
    >>> samples = torch.tensor([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0]])
    >>> round(spread_ratio(samples, (2 / 3) * torch.eye(2)), 6)
    1.0
    """
    _check_samples(samples, least=2)
    variance = covariance.diagonal() if covariance.ndim == 2 else covariance
    found = samples.flatten(1).cpu().double().var(0)
    if variance.shape != found.shape:
        raise InputError(
            f"covariance has shape {tuple(covariance.shape)}; samples of {len(found)} pixels need "
            f"({len(found)}, {len(found)}) or ({len(found)},)"
        )
    return float((found.sum() / variance.to(found).sum()).sqrt())


def error_ratio(samples: Tensor, x: Tensor, mean: Tensor, /) -> float:
    """The samples' mean squared error over the posterior mean's: 2 for an exact sampler.

    Over B measurements of d pixels its own noise is about sqrt(2 / (B d)) if the pixels are
    independent, and more if they are not: average over a hundred measurements.

    Args:
        samples: of each measurement, `(N, B, *image)`, as in `Result.samples`.
        x: the images that were measured, `(B, *image)`, drawn from the prior.
        mean: the exact posterior mean of each, `(B, *image)`.

    Raises:
        InputError: the shapes do not belong together, or the posterior mean has no error.

    >>> import torch, invprob as ip
    >>> draw = ip.generator(0)
    >>> x = torch.randn(1000, 4, generator=draw)                          # nothing was measured:
    >>> samples = torch.randn(3, 1000, 4, generator=draw)                 # p(x | y) = p(x)
    >>> round(error_ratio(samples, x, torch.zeros_like(x)), 1)
    2.0
    """
    if samples.shape[1:] != x.shape or mean.shape != x.shape or samples.numel() == 0:
        raise InputError(
            f"samples, x and mean have shapes {tuple(samples.shape)}, {tuple(x.shape)} and "
            f"{tuple(mean.shape)}; give (N, B, *image), (B, *image) and (B, *image)"
        )
    samples, x, mean = (part.cpu().double() for part in (samples, x, mean))
    least = (mean - x).square().mean()
    if not float(least) > 0:
        raise InputError("mean equals x everywhere: nothing is left that a sampler could spread")
    return float((samples - x).square().mean() / least)


def _check_samples(samples: Tensor, *, least: int = 1) -> None:
    if samples.ndim < 2 or len(samples) < least or not bool(torch.isfinite(samples).all()):
        raise InputError(
            f"samples has shape {tuple(samples.shape)}; at least {least} are needed, finite, as "
            "(N, *image)"
        )
