r"""Adapting a denoiser to one noisy image, without a clean one.

A network that learned from photographs is a poor prior for a page of text. But an image repeats
itself, and its noise does not: fine-tuning on the noisy image alone tells it what this image is
like (internal learning). `self_supervised` has the two formulas that make it possible:
Recorrupted-to-Recorrupted to learn by, and Stein's unbiased risk estimate (SURE) to judge by. The
noise must be white and normal, and its level known.

Noise is added at a random share of sigma, from 1/2 to 2, so that levels from 1.1 to 2.2 sigma are
learned. Levels below sigma can't be learned from an image that has more noise; there the network
follows as far as its weights are shared.

The moving average of the weights that does best on pixels that are held out is the result, if it
beats the original prior, with all that this does beside the network, by a hundredth of its error,
and by more than three times the standard error of the difference over blocks of pixels. Else the
original is. That is what happens to most
photographs, which the network knows already, and where most of the noise is gone already: held-out
pixels then say too little to tell.

Reference: Vaksman, Elad, Milanfar, LIDIA: lightweight learned image denoising with instance
adaptation, 2020, https://arxiv.org/abs/1911.07167.
"""

from __future__ import annotations

import copy
import math
import warnings
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from itertools import count
from pathlib import Path

import torch
from attrs import evolve, field, frozen
from torch import Generator, Tensor, nn
from tqdm import tqdm

from ..errors import InputError, NoiseWarning
from ..networks.denoiser import Denoiser
from ..networks.stored_denoiser import (
    FAST_FROM,
    StoredDenoiser,
    bfloat16_is_fast,
    write_denoiser,
)
from ..priors.denoiser import DenoiserPrior
from .self_supervised import Judge, held_out_pixels, recorrupt

BATCH, PATCH = 8, 48
"""Patches per step, and their side length in pixels."""

LEAST = 64
"""Smaller images have too few blocks to judge by."""

PAUSE, PATIENCE = 20, 4
"""Steps from one judgement to the next; so many without a new best end the training."""

CLEAR, WORTH = 3.0, 0.01
"""An improvement is at least so many standard errors, and this share of the error."""

WARM_UP = 20
"""Steps in which the learning rate grows."""

AVERAGE = 0.98
"""Share of the moving average that a step keeps."""


@frozen(eq=False)
class Adaptation:
    """What became of an adaptation.

    Attributes:
        prior: the adapted one, or the original if that could not be improved.
        step: after how many steps its weights were taken; 0 for the original.
        history: for each judged step, the estimated PSNR in dB of the denoised image on the
            pixels that were held out; at 0, of what the prior answers.
    """

    prior: DenoiserPrior
    step: int
    history: dict[int, float] = field(factory=dict)

    @property
    def improved(self) -> bool:
        """Whether the prior is an adapted one."""
        return self.step > 0

    def save(self, path: Path | str) -> None:
        """Write the adapted network to a file, for `DenoiserPrior.load`.

        Raises:
            InputError: nothing was improved, or the network is not one of invprob's.
        """
        if not self.improved or not isinstance(self.prior.denoiser, Denoiser):
            raise InputError(
                f"there is no adapted network of invprob's own in {self.prior!r}: nothing is"
                " written; if it was not improved, go on with the original"
            )
        write_denoiser(self.prior.denoiser, Path(path))


def adapt(
    prior: DenoiserPrior,
    y: Tensor,
    sigma: float,
    *,
    steps: int = 200,
    rate: float = 1e-3,
    seed: int = 0,
    progress: bool = True,
) -> Adaptation:
    """A denoiser that has seen one noisy image, y = x + sigma n, and no clean one.

    Args:
        prior: around the embedded network, one in a file, or a `torch.nn.Module`; it stays as it
            is.
        y: noisy images `(B, C, H, W)` in [0, 1] up to noise, 64 x 64 pixels or more; its device
            does the work, in minutes on a processor.
        sigma: the standard deviation of its noise, which must be white and normal.
        steps: at most so many steps; it ends sooner when it stops getting better.
        rate: learning rate.
        seed: of patches and noise.
        progress: whether to show a bar on a terminal.

    Returns:
        The adapted prior in `.prior`; if there is no clear improvement, or sigma is too large, the
        original, with a warning. It computes in float32, on the whole image at one scale; `.save`
        it and `DenoiserPrior.load` it for bfloat16, tiles, and `multiscale` if it is a photograph.

    Raises:
        InputError: the prior holds no network, y or sigma can't be, or the image is too small.

    >>> import torch, invprob as ip
    >>> y = torch.full((1, 1, 64, 64), 0.5)
    >>> ip.adapt(ip.DenoiserPrior(torch.nn.Identity()), y, 0.1)
    Traceback (most recent call last):
    ...
    invprob.errors.InputError: Identity has no weights that could learn

    Method, references: help("invprob.training.adapting"); its formulas, what is exact, theirs:
    help("invprob.training.self_supervised").
    """
    if steps < 1 or not 0 < rate < math.inf:
        raise InputError(f"steps={steps}, rate={rate}: give 1 step or more, and a rate above 0")
    network = _own_network(prior, y).to(y.device)
    _check(prior, y, sigma)
    generator = Generator(y.device).manual_seed(seed)
    averaged = copy.deepcopy(network).requires_grad_(False)
    wide = y.detach().to(next(network.parameters()).dtype)
    judge = Judge.of(wide, sigma, seed, averaged)
    first = best = judge.blocks(averaged)
    if isinstance(prior.denoiser, StoredDenoiser):
        first = judge.blocks(evolve(prior.denoiser, precision="float32"))
    kept, kept_step, history = averaged.state_dict(), 0, {0: judge.psnr(first)}
    if bool(first.mean() < 0):
        return _overstated(prior, sigma, history)
    batches = _losses(network, wide, sigma, rate, generator)
    bar = tqdm(batches, total=steps, disable=None if progress else True, desc="adapt")
    for step, finite in enumerate(bar, 1):
        keep = min(AVERAGE, (1 + step) / (10 + step))
        with torch.no_grad():
            for mean, weight in zip(averaged.parameters(), network.parameters(), strict=True):
                mean.lerp_(weight, 1 - keep)
        if finite and (step % PAUSE == 0 or step == steps):
            found = judge.blocks(averaged)
            history[step] = judge.psnr(found)
            bar.set_postfix_str(f"{history[step]:.2f} dB, from {history[0]:.2f}")
            if bool(found.mean() < best.mean()):
                best, kept_step = found, step
                kept = copy.deepcopy(averaged.state_dict())
        if not finite or step == steps or step - kept_step >= PATIENCE * PAUSE:
            break
    bar.close()
    if bool(best.mean() < 0):
        return _overstated(prior, sigma, history)
    gain = first - best
    chance, worth = CLEAR * float(gain.std()) / len(gain) ** 0.5, WORTH * float(first.mean())
    if kept_step == 0 or float(gain.mean()) < max(chance, worth):
        if not finite:
            reason = f"; the loss was not finite at step {step}, so give a lower rate"
        elif kept_step and float(gain.mean()) >= worth:
            reason = "; these are estimates, and may differ as much by chance"
        else:
            reason = ""
        warnings.warn(
            f"adapting to this image brought no clear improvement ({history[0]:.2f} dB before, at"
            f" best {max(history.values()):.2f} dB{reason}): the prior stays as it was",
            stacklevel=2,
        )
        return Adaptation(prior, 0, history)
    averaged.load_state_dict(kept)
    domain = prior.domain()
    if isinstance(prior.denoiser, StoredDenoiser):  # of several networks, this one
        domain = evolve(domain, channels=prior.denoiser.weights_for(y).channels)
    adapted = DenoiserPrior(averaged.eval(), domain, tone_free=prior.tone_free())
    return Adaptation(adapted, kept_step, history)


def _overstated(prior: DenoiserPrior, sigma: float, history: dict[int, float]) -> Adaptation:
    """The original, where the estimate of a squared error came out negative."""
    warnings.warn(
        f"the estimated error of the denoised image is negative, so sigma={sigma:.4g} is more than"
        " the noise of this image: give a smaller one, such as the standard deviation of a flat"
        " part; the prior stays as it was",
        NoiseWarning,
        stacklevel=3,
    )
    return Adaptation(prior, 0, history)


def _losses(
    network: nn.Module, y: Tensor, sigma: float, rate: float, generator: Generator
) -> Iterator[bool]:
    """Steps without end; each says whether its loss was finite, else it is not taken."""
    learned = ~held_out_pixels(y)
    size = [min(PATCH, n) for n in y.shape[2:]]
    optimizer = torch.optim.Adam(network.parameters(), lr=rate, betas=(0.9, 0.99))
    device = y.device
    for step in count(1):
        optimizer.param_groups[0]["lr"] = rate * min(1.0, step / WARM_UP)
        random = torch.rand(4, BATCH, generator=generator, device=device).tolist()
        places = [
            (
                int(b * len(y)),
                int(t * (y.shape[2] - size[0] + 1)),
                int(s * (y.shape[3] - size[1] + 1)),
            )
            for b, t, s in zip(*random[:3], strict=True)
        ]
        cuts = [
            (slice(top, top + size[0]), slice(left, left + size[1])) for _, top, left in places
        ]
        x = torch.stack([y[b, :, r, c] for (b, _, _), (r, c) in zip(places, cuts, strict=True)])
        targets = torch.stack([learned[r, c] for r, c in cuts])[:, None]
        a = 0.5 * 4 ** torch.tensor(random[3], device=device, dtype=y.dtype)
        noisy, other = recorrupt(x, sigma, a, generator)
        with _precision(network, y, sigma):
            out = network(noisy, sigma * (1 + a.square()).sqrt())
        squared = (out.to(y.dtype) - other).square() * targets
        variance = sigma**2 * (1 + a.square().reciprocal())
        loss = (squared.mean((1, 2, 3)) / variance).mean()
        optimizer.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        length = nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        finite = bool(loss.isfinite() & length.isfinite())
        if finite:
            optimizer.step()
        yield finite


def _precision(network: nn.Module, y: Tensor, sigma: float) -> AbstractContextManager[object]:
    """Bfloat16 where it is fast and sigma allows."""
    fast = y.dtype == torch.float32 and sigma >= FAST_FROM and bfloat16_is_fast(y.device)
    if isinstance(network, Denoiser) and fast:
        return torch.autocast(y.device.type, torch.bfloat16)
    return nullcontext()


def _own_network(prior: DenoiserPrior, y: Tensor) -> nn.Module:
    """A copy of the prior's network for such images that can learn."""
    denoiser = getattr(prior, "denoiser", None)
    if isinstance(denoiser, StoredDenoiser):
        return denoiser.weights_for(y).load().requires_grad_(True)
    if not isinstance(denoiser, nn.Module):
        raise InputError(
            f"{prior!r} can't be adapted, there is no network in it; give"
            " DenoiserPrior.pretrained(), DenoiserPrior.load(file), or a DenoiserPrior around a"
            " torch.nn.Module"
        )
    if not list(denoiser.parameters()):
        raise InputError(f"{type(denoiser).__name__} has no weights that could learn")
    return copy.deepcopy(denoiser).requires_grad_(True)


def _check(prior: DenoiserPrior, y: Tensor, sigma: float) -> None:
    """`InputError` for an image that the prior does not take, or that is too small."""
    prior.denoise(y[..., :LEAST, :LEAST], float(sigma))  # says what the prior does not take
    if min(y.shape[2:]) < LEAST:
        raise InputError(
            f"y has shape {tuple(y.shape)}: an image of less than {LEAST} x {LEAST} pixels has too"
            " little to learn from; use the prior as it is"
        )
    if not bool(y.isfinite().all()):
        raise InputError(
            f"y has {int((~y.isfinite()).sum())} values that are not finite; fill them in, "
            "y.nan_to_num(float(y.nanmedian())), or give a part of the image without them",
            typed="a file with numbers there: ip.write_image(FILE, y.nan_to_num(...)), or of a "
            "part without them",
        )
