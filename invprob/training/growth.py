"""A denoiser that begins as another one: a shallower one, or one for more kinds of images.

A residual block whose second convolution is zero changes nothing. So blocks can be appended to
every stage of a trained network, and the deeper one answers the same until it has learned more
(Chen, Goodfellow, Shlens, Net2Net, 2016, https://arxiv.org/abs/1511.05641).

A network for colour and gray has a head and a tail for each, and all else in common. One that
learns from gray images alone keeps the gray ones. The others are left out: what they have in
common changes, and a colour head that does not learn with it would denoise no longer.
"""

from __future__ import annotations

import attrs
import torch
from torch import nn

from ..errors import InputError
from ..networks.denoiser import Architecture, Block, Denoiser


def check_growth(old: Architecture, new: Architecture) -> None:
    """Raise `InputError` unless `new` is `old`, with more blocks or for fewer channel counts."""
    deeper = all(
        a <= b for a, b in zip(old.before + old.after, new.before + new.after, strict=True)
    )
    fewer = set(new.channels) <= set(old.channels)
    free = attrs.evolve(new, channels=old.channels, before=old.before, after=old.after)
    if not (deeper and fewer) or free != old:
        raise InputError(
            f"{new}: the weights to begin with are of another architecture, {old}; more blocks"
            " can be appended to it and channel counts left out, nothing else changed"
        )


@torch.no_grad()
def grow(old: Denoiser, new: Denoiser) -> None:
    """Give `new` the weights of `old` that it has, and blocks that `old` has not no effect.

    Args:
        old: the network to begin with.
        new: one for which `check_growth` does not raise; changed in place.
    """
    for block in new.modules():
        if isinstance(block, Block):
            nn.init.zeros_(block.second.weight)
    new.load_state_dict(old.state_dict(), strict=False)
