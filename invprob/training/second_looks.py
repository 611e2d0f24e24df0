r"""Second looks: what a denoiser answers where there is less noise than it is told.

A denoiser that is only ever shown the noise of which it is told may answer anything where there is
less. Plug-and-play methods ask just that, once an image has become smooth: a network that learned
from rough patches answered with -10, or with texture of its own, in nine tenths of photographs
that had been enlarged. So some patches x + sigma n are shown a second time as

    z = x + sigma u (u n + sqrt(1 - u²) n'),      u uniform within [0, 1], n' normal like n,

of which the network is told sigma again, though their noise is u sigma. The answer has to be that
to x + sigma n, which stays as it is for that. With u = 1 the two are one; with u = 0 it is the
clean patch. Were the answer to be x instead, the network would leave alone whatever has no noise,
and such a denoiser regularises nothing.
"""

from __future__ import annotations

import torch
from torch import Generator, Tensor

EVERY = 8
"""One of so many patches is shown again with less noise."""


def again(step: int, every: int = EVERY) -> slice:
    """Which rows of a batch are shown again in a step, one in so many: each in turn.

    >>> [list(range(12)[again(step)]) for step in (0, 3, 7, 8)]
    [[0, 8], [3, 11], [7], [0, 8]]
    """
    return slice(step % every, None, every)


def less_noisy(x: Tensor, noise: Tensor, sigma: Tensor, generator: Generator) -> Tensor:
    """Patches `(B, C, H, W)` with less of the same noise: z above.

    Args:
        x: clean patches.
        noise: normal, of unit size, as it was added for the first look.
        sigma: noise levels that were told, `(B,)`.
        generator: the source of randomness, on the patches' device.
    """
    share = torch.rand(len(x), 1, 1, 1, generator=generator, device=x.device)
    other = torch.randn(x.shape, generator=generator, device=x.device)
    mixed = share * noise + (1 - share.square()).sqrt() * other
    return x + sigma.view(-1, 1, 1, 1) * share * mixed
