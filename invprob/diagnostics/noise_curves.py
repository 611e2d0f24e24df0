"""Where a noise level comes back to itself: f(s) = s, for some pixels of an image each.

What the denoiser says of an image at a level is kept for every pixel, so that any pixels can be
asked; levels are added up and down, by a factor of 1.4, until all of them are between two. Between
these f(s) / s is no straight line: in an image that is flat it stays near 1 up to nine tenths of
the noise, and falls as 1 / s from there. So the noise of all pixels is looked at as well, until it
stays where it was found. The formulas are in `noise_level`.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from ..contracts import Denoises
from ..streams import generator
from .noise_holes import filled, known

FACTOR = 1.4
"""From one noise level to the next."""
NUDGE, NUDGES = 0.1, 7461
"""The known noise, in units of the level; and its key: no other noise of that seed is the same."""
BLOCK, QUIET = 8, 0.1
"""A first guess: of blocks of that side the share that is quietest."""
CLOSE = math.log(1.03)
"""So near to a level that was looked at, the noise of all pixels is found."""
LEAST = 1e-4
"""No level is below that."""


class Looks:
    """What the denoiser says of an image at each level that was looked at."""

    def __init__(self, y: Tensor, prior: Denoises, seed: int) -> None:
        self.known, self.y, self.prior = known(y), filled(y), prior
        nudge = torch.randn(y.shape, generator=generator(seed, NUDGES), dtype=y.dtype)
        self.nudge = nudge.sign().to(y.device)  # b² is 1, without noise of its own
        self.found: dict[float, tuple[Tensor, Tensor]] = {}

    @property
    def lowest(self) -> float:
        """The lowest level."""
        return min(self.found)

    def around(self, level: float) -> None:
        """Look at this level: (y - D)², and what adds up to the divergence, in each pixel."""
        told, step = self.y.new_tensor(level), NUDGE * level
        denoised = self.prior.denoise(self.y, told)
        moved = self.prior.denoise(self.y + step * self.nudge, told)
        kept = self.nudge * (moved - denoised) / step
        self.found[level] = (self.y - denoised).square(), kept

    def sigma(self, ends: tuple[float, float]) -> float:
        """The noise of all pixels."""
        level = min(max(guess(self.y, self.known), 1.01 * ends[0], LEAST), 0.7 * ends[1])
        while 0 < level < math.inf and self._apart(level) > CLOSE:
            self.around(level)
            level = self.solve([self.known], ends)[0]
        return level

    def error(self, sigma: float) -> float:
        """The root mean square of x - D where the noise is this."""
        _, kept = self.found[min(self.found, key=lambda level: abs(math.log(level / sigma)))]
        return sigma * math.sqrt(max(float(kept[self.known].mean()), 0.0))

    def solve(self, bands: list[Tensor], ends: tuple[float, float]) -> list[float]:
        """The noise of some pixels each; 0, inf if it is below, above what the denoiser sees."""
        while self._excess(max(self.found), bands).max() >= 0 and self._up < ends[1]:
            self.around(self._up)
        while self._excess(self.lowest, bands).min() < 0 and self._down > max(ends[0], LEAST):
            self.around(self._down)
        levels = sorted(self.found)
        excess = torch.stack([self._excess(level, bands) for level in levels], 1)
        return [_crossing(levels, row) for row in excess.tolist()]

    def _apart(self, level: float) -> float:
        """How far the nearest one is that was looked at, in log."""
        return min((abs(math.log(level / other)) for other in self.found), default=math.inf)

    @property
    def _up(self) -> float:
        return max(self.found) * FACTOR

    @property
    def _down(self) -> float:
        return self.lowest / FACTOR

    def _excess(self, level: float, bands: list[Tensor]) -> Tensor:
        """Log f(s) / s of each."""
        left, kept = self.found[level]
        ratios = [left[one].mean() / (1 - kept[one].mean()).clamp(min=0.01) for one in bands]
        return 0.5 * torch.stack(ratios).cpu().double().log() - math.log(level)


def _crossing(levels: list[float], excess: list[float]) -> float:
    """Where log f(s) / s goes through zero, from the highest level down."""
    if excess[-1] >= 0:
        return math.inf
    for place in reversed(range(len(levels) - 1)):
        here, there = excess[place : place + 2]
        if here >= 0:
            low, high = map(math.log, levels[place : place + 2])
            return math.exp(low + (high - low) * here / (here - there))
    return 0.0


def guess(y: Tensor, known: Tensor, /) -> float:
    """A first noise level, mostly too high; of blocks in which all pixels are known, if any."""
    kernel = y.new_tensor([[1.0, -2, 1], [-2, 4, -2], [1, -2, 1]]) / 6
    rough = F.conv2d(y.flatten(0, 1)[:, None], kernel[None, None]).square()
    unknown = 1 - known.flatten(0, 1)[:, None, 1:-1, 1:-1].to(y)
    whole = F.max_pool2d(unknown, BLOCK) == 0
    blocks = F.avg_pool2d(rough, BLOCK)
    return float((blocks[whole] if bool(whole.any()) else blocks.flatten()).quantile(QUIET).sqrt())
