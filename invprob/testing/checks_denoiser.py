"""Checks on denoisers: what little noise changes, and how much of noise is taken away.

For the posterior mean of whatever images, E <x - D(x), sigma n> = sigma² (N - E div D), and the
divergence of D is the posterior's variance over sigma², so the part of the noise that D takes away
is between 0 and 1. How large it is depends on the images: a prior that knows little takes little.
Most of what follows is therefore told, and not demanded.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from attrs import evolve
from torch import Tensor

from ..contracts import Denoises, HasDomain, SamplesPrior
from ..errors import InputError
from ..problem import domain_of
from .case import Case
from .registry import check
from .verdict import Figure, below, finite, holds, skip

LEAST = 1e-3
"""The noise level at which an image must stay, where the domain goes as far down."""
HARDLY = 0.05
"""A smaller part of the noise at every level is none."""
LEVELS = (0.05, 0.5)
EXPECTED = (0.1, 0.5)
"""Parts of the noise of these levels that a denoiser takes away at least, usually."""
ROWS = 64


@check("prior", Denoises)
def little_noise_is_little_change(part: Any, case: Case) -> Figure:
    """denoise(x, sigma) → x as sigma → 0: at 0.001 or where domain() begins, it moves x by little.

    A denoiser that was made for larger noise alone says so by `domain`.
    """
    least = max(domain_of(part).sigma[0], LEAST)
    if isinstance(part, SamplesPrior):
        x = part.sample((case.batch, *case.shape), case.generator()).to(case.dtype)
    else:
        x = smooth(case)
    x = x + least * case.normal(tuple(x.shape), "noise")
    way = (part.denoise(x, x.new_tensor(least)) - x).square().mean().sqrt()
    return below(float(way), 3 * least, f"the root mean square of denoise(x, {least:.2g}) - x")


@check("prior", Denoises, HasDomain, once=True)
def no_noise_leads_to_no_nan(part: Any, case: Case) -> Figure:
    """denoise(x, 0) is finite, where domain() says that the prior denoises from 0 on."""
    least = part.domain().sigma[0]
    if least > 0:
        skip(f"domain() says that it denoises from {least:.2g} on")
    x = smooth(case)
    try:
        answer = part.denoise(x, x.new_zeros(()))
    except InputError as error:
        skip(f"it refuses sigma = 0: {str(error)[:80]}")
    return finite(
        answer,
        "at sigma = 0, which its domain() allows (say Domain(sigma=(0.001, ...)) if it is not "
        "meant to), denoise(x, sigma)",
    )


@check("prior", Denoises, once=True)
def noise_is_taken_away(part: Any, case: Case) -> Figure:
    """denoise(x + sigma n, sigma) takes a part of the noise away: never less than 0, and not 0.

    An answer that takes less than 5 % away at every sigma is a failure, and so is one that adds
    noise. Much noise that is left, an answer that does not depend on sigma, and one that is
    farther from the clean image than the noisy one are recommendations to look: images of which
    little is known, networks that find the noise level themselves, and those that know other
    images than these, are as they should be.
    """
    least, greatest = case.sigma_range
    levels = [min(max(level, least), greatest) for level in LEVELS]
    clean = smooth(evolve(case, batch=ROWS))
    unit = case.normal(tuple(clean.shape), "noise")
    taken, off = [], []
    for level in levels:
        x = clean + level * unit
        answer = part.denoise(x, clean.new_tensor(level))
        taken.append(float(((x - answer) * unit).sum() / (level * unit.square().sum())))
        off.append(float((answer - clean).norm() / (level * unit).norm()))
    one, other = (part.denoise(clean + 0.1 * unit, clean.new_tensor(level)) for level in levels)
    same = levels[0] != levels[1] and bool((one - other).abs().max() < 1e-7)
    said = " and ".join(
        f"{share:.0%} of the noise of sigma={level:.2g}"
        for share, level in zip(taken, levels, strict=True)
    )
    holds(min(taken) > -0.1, f"it takes away {said}: it adds noise")
    if isinstance(part, SamplesPrior):  # its samples tell how much is right
        return below(1 - min(taken), 1.1, "the part of the noise that is left")
    holds(
        max(taken) >= HARDLY,
        f"it takes away {said}: nearly the noisy image itself. Is sigma taken for one of images "
        "in 0..255, or for a variance?",
    )
    if same:
        skip(
            f"its answer does not depend on sigma (recommended to look: right if it finds the "
            f"noise level itself); it takes away {said}"
        )
    if max(off) > 1:
        skip(
            f"its answer is up to {max(off):.2g} times as far from the clean image as the noisy "
            "one is (recommended to look: are scale, brightness and position those of x?)"
        )
    if any(share < enough for share, enough in zip(taken, EXPECTED, strict=True)):
        skip(
            f"it takes away {said} (recommended to look: sigma is a standard deviation, not a "
            "variance, for images in [0, 1])"
        )
    return below(1 - min(taken), 1.1, "the part of the noise that is left")


def smooth(case: Case) -> Tensor:
    """A plausible image where the prior can't draw one: a few waves."""
    if len(case.shape) < 2:
        return case.image()
    height, width = case.shape[-2:]
    waves = torch.zeros(case.batch, *case.shape, dtype=torch.float64)
    phases = case.normal((case.batch, *case.shape[:-2], 3), "phases").double()
    down = torch.linspace(0, math.pi, height, dtype=torch.float64)[:, None]
    right = torch.linspace(0, math.pi, width, dtype=torch.float64)
    for k, phase in enumerate(phases.unbind(-1)):
        waves += ((k + 1) * down + right + phase[..., None, None]).sin() / 3
    return (case.low + (case.high - case.low) * (0.5 + waves / 2)).to(case.dtype)
