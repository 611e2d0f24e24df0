"""How a denoiser's training is followed: weights are written, and held-out photos denoised."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from torch import Generator, Tensor

from ..networks.denoiser import Denoiser
from ..networks.stored_denoiser import write_denoiser
from .curve import so_far
from .images import luminance
from .run import Run
from .storage import in_unit

VALIDATED = (0.01, 15 / 255, 25 / 255, 50 / 255, 0.4, 1.0)
"""Noise levels at which PSNR is printed, in this order."""

COLUMNS = "held out: PSNR in dB at sigma " + ", ".join(f"{sigma:.3g}" for sigma in VALIDATED)
"""What the numbers in a report are, in words."""

SIDE = 256
"""Of held-out photos the centre of this side is looked at."""


def report(
    run: Run,
    held_out: Sequence[Tensor],
    out: Path,
    say: Callable[[str], None],
    losses: Sequence[float],
) -> None:
    """Write the weights, and say how well held-out photos are denoised."""
    network = run.averaged
    if not isinstance(network, Denoiser):
        raise TypeError(f"{type(network).__name__} is no Denoiser")
    digest = write_denoiser(network, out)
    scores = validate(network, held_out, run.device)
    lines = [
        f"C={channels} " + " ".join(f"{scores[channels, sigma]:.2f}" for sigma in VALIDATED)
        for channels in sorted({channels for channels, _ in scores})
    ]
    say(f"{so_far(run, losses)}; held out, {', '.join(lines)} dB | {digest}")


@torch.no_grad()
def validate(
    network: Denoiser, photos: Sequence[Tensor], device: torch.device | str = "cpu"
) -> dict[tuple[int, float], float]:
    """Mean PSNR in dB over the centres of photos, always with the same noise.

    Args:
        network: on that device.
        photos: `(C, H, W)`, as `storage` keeps them.
        device: where it is done.

    Returns:
        By channel count and noise level, as far as there are such photos.
    """
    found = {}
    for channels in network.architecture.channels:
        cuts = _cuts(photos, channels)
        for sigma in VALIDATED if cuts else ():
            values = [_psnr(network, x, sigma, device) for x in cuts]
            found[channels, sigma] = sum(values) / len(values)
    return found


def _cuts(photos: Sequence[Tensor], channels: int) -> list[Tensor]:
    """The centres of the photos that have, or can be given, so many channels, in [0, 1]."""
    cuts = []
    for photo in photos:
        top, left = (max(n - SIDE, 0) // 2 for n in photo.shape[1:])
        x = in_unit(photo[None, :, top : top + SIDE, left : left + SIDE])
        if channels == 1 and x.shape[1] == 3:
            x = luminance(x)
        if x.shape[1] == channels:
            cuts.append(x)
    return cuts


def _psnr(network: Denoiser, x: Tensor, sigma: float, device: torch.device | str) -> float:
    noise = torch.randn(x.shape, generator=Generator().manual_seed(0), device=x.device)
    y = (x + sigma * noise).to(device)
    with torch.autocast(y.device.type, torch.bfloat16):
        out = network(y, torch.tensor(sigma, device=device)).float().cpu()
    return float(-10 * (out - x).square().mean().log10())
