r"""A network of a diffusion model, asked as a denoiser.

Diffusion models learn from images in [-1, 1], of which they see

    x_t = sqrt(a_t) x₀ + sqrt(1 - a_t) n

at steps t = 0, 1, ..., T - 1, with a_t from nearly 1 to nearly 0 (`alphas_cumprod`). Divided by
sqrt(a_t) that is x₀ + s n with noise level

    s_t = sqrt((1 - a_t) / a_t),

so a denoiser's question at level s is the network's at the step t(s), with the noisy image
multiplied by sqrt(a) = 1 / sqrt(1 + s²). What the network answers with is one of three things, and
each of them gives E[x₀ | x_t] without an approximation:

    "epsilon"  n:                                 x₀ = x - s n,
    "x"        x₀ itself,
    "v"        v = sqrt(a) n - sqrt(1 - a) x₀:    x₀ = sqrt(a) x_t - sqrt(1 - a) v.

Between two steps t goes by the logarithm of s: networks embed t by sines, for which a step may be
a fraction. One that looks t up in a table is asked at the nearest step (`whole_steps`); in weak
noise, where steps are coarse (levels 0.0050, 0.0074, 0.0095 of images in [0, 1]), that is another
noise than what was asked for.

Schedules with zero terminal SNR (Lin et al. 2024) end with a_t = 0, noise without an image: its
level is infinite, and no question at a finite one goes there. Zeros at the end are left out, and
the last step before them is the greatest level.

References: Ho, Jain, Abbeel, Denoising diffusion probabilistic models, 2020,
https://arxiv.org/abs/2006.11239 ("linear" schedule, "epsilon"). Nichol and Dhariwal, Improved
denoising diffusion probabilistic models, 2021, https://arxiv.org/abs/2102.09672 ("cosine", learned
variances). Salimans and Ho, Progressive distillation for fast sampling of diffusion models, 2022,
https://arxiv.org/abs/2202.00512 ("v"). Karras et al., Elucidating the design space of
diffusion-based generative models, 2022, https://arxiv.org/abs/2206.00364 (the change to s). Lin,
Liu, Li, Yang, Common diffusion noise schedules and sample steps are flawed, 2024,
https://arxiv.org/abs/2305.08891 (zero terminal SNR).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Literal, get_args

import numpy as np
import torch
from attrs import field, frozen
from torch import Tensor

from ..arrays import plain
from ..errors import InputError
from ..explained import NO_GRADIENT
from .own_network import check_at_rest, in_its_precision, takes

Predicts = Literal["epsilon", "x", "v"]

STEPS = 1000
"""Of the schedules that have a name."""

ALPHAS = (
    "it is one number for each step, the cumulative product of 1 - beta, which falls from below 1"
    " to above 0; zeros at its end are left out"
)
"""What `alphas_cumprod` has to be, for messages."""

CONDITIONED = (
    "a network that asks for a class or another condition as well is told it by a function,"
    " lambda x, t: network(x, t, torch.full((len(x),), 207, device=x.device)), which may guide it,"
    " too: network(x, t, none) + 3 * (network(x, t, kind) - network(x, t, none))"
)
OF_OTHER_IMAGES = (
    "if it takes images of other channels or another size, give it those, and say which,"
    " from_diffusion(..., shape=(C, H, W))"
)
"""What may be wrong where a network fails, for messages."""

RANGE = 2.0
"""Diffusion models have images in [-1, 1], twice as wide as [0, 1]."""


def _linear() -> np.ndarray[Any, Any]:
    return np.cumprod(1 - np.linspace(1e-4, 0.02, STEPS))


def _cosine() -> np.ndarray[Any, Any]:
    times = np.linspace(0, 1, STEPS + 1)
    curve = np.cos((times + 0.008) / 1.008 * math.pi / 2) ** 2
    return np.cumprod(1 - np.minimum(1 - curve[1:] / curve[:-1], 0.999))


SCHEDULES = {"linear": _linear, "cosine": _cosine}
"""The two published ones, by name."""


def _as_levels(alphas: object) -> tuple[float, ...]:
    """The noise levels s_t of a schedule, or of its name."""
    if isinstance(alphas, str):
        if alphas not in SCHEDULES:
            raise InputError(
                f"alphas_cumprod={alphas!r} is no schedule; known by name are"
                f" {', '.join(SCHEDULES)}, and all others are given as numbers"
            )
        alphas = SCHEDULES[alphas]()
    try:
        kept = torch.as_tensor(plain(alphas)).detach().cpu().double().flatten()
    except (TypeError, ValueError, RuntimeError) as error:
        raise InputError(f"alphas_cumprod is no list of numbers: {error}") from error
    kept = kept[: 1 + int(kept.nonzero().max())] if bool(kept.any()) else kept
    wrong = ~((kept > 0) & (kept < 1))
    wrong[1:] |= ~(kept.diff() < 0)
    if len(kept) < 2 or bool(wrong.any()):
        raise InputError(f"{_told(kept, wrong)}; {ALPHAS}")
    return tuple(((1 - kept) / kept).sqrt().tolist())


def _told(alphas: Tensor, wrong: Tensor) -> str:
    """Which entry of a schedule is wrong, and what is known of such schedules."""
    if not bool(wrong.any()):
        return f"alphas_cumprod has {len(alphas)} steps above 0"
    i = int(wrong.nonzero()[0])
    after = f" after {float(alphas[i - 1]):.6g}" if i else ""
    rise = len(alphas) > 1 and bool((alphas.diff() > 0).all())
    betas = ", and all of it rises, as betas do: torch.cumprod(1 - betas, 0)" if rise else ""
    return f"alphas_cumprod[{i}] is {float(alphas[i]):.6g}{after}{betas}"


@frozen(eq=False, repr=False)
class DiffusionNetwork:
    """`(x, sigma) -> x` for images in [0, 1], by a network `(x_t, t) -> answer`.

    `DenoiserPrior.from_diffusion` makes a prior of it.

    Args:
        network: takes images `(B, C, H, W)` and steps `(B,)` and returns a tensor, or what has
            one by the name of `sample` or at its first place, `(B, C, H, W)` or, with variances
            behind, `(B, 2 C, H, W)`.
        levels: the schedule's a_t, `alphas_cumprod`, or the name of one; steps of 0 at its end
            are left out.
        predicts: what it answers with.
        whole_steps: ask it at whole steps only.

    Raises:
        InputError: the network can't be called or is in training mode, where that makes a
            difference; an entry of the schedule is no less than that before, or not within 0 and
            1; predicts is something else; in use: the network returns something else, or fails,
            as one may at a fraction of a step.
    """

    network: Callable[..., object] = field()
    levels: tuple[float, ...] = field(converter=_as_levels)
    predicts: Predicts = field(default="epsilon")
    whole_steps: bool = field(default=False)

    @network.validator
    def _callable(self, attribute: object, value: object) -> None:
        if not callable(value):
            raise InputError(
                f"network={value!r} can't be called; give a network that takes (x, t)"
            )
        check_at_rest(value)

    @predicts.validator
    def _known(self, attribute: object, value: object) -> None:
        if value not in get_args(Predicts):
            raise InputError(
                f"predicts={value!r}: a diffusion model's network answers with the noise,"
                ' "epsilon", with the image, "x" ("sample" elsewhere), or with "v"'
                ' ("v_prediction")'
            )

    @property
    def range(self) -> tuple[float, float]:
        """The least and the greatest noise level, in the unit of images in [0, 1]."""
        return self.levels[0] / RANGE, self.levels[-1] / RANGE

    def steps(self, level: Tensor, /) -> Tensor:
        """The steps t(s) of noise levels s, those of images in [-1, 1], `(B,)`."""
        known = np.log(self.levels)
        wanted = level.detach().cpu().double().log().numpy()
        found = torch.as_tensor(np.interp(wanted, known, np.arange(len(known))))
        if self.whole_steps:
            return found.round().long().to(level.device)
        return found.to(level.device, torch.promote_types(level.dtype, torch.float32))

    def __call__(self, x: Tensor, sigma: Tensor, /) -> Tensor:
        """E[x₀ | x₀ + sigma n = x], images `(B, C, H, W)` in [0, 1], sigma `(B,)`."""
        check_at_rest(self.network)
        noisy, level = RANGE * x - 1, RANGE * sigma
        spread = level.view(-1, *[1] * (x.ndim - 1))
        small = noisy * (1 + spread.square()).rsqrt()
        answer = self._answer(small, self.steps(level)).to(x.dtype)
        match self.predicts:
            case "epsilon":
                clean = noisy - spread * answer
            case "x":
                clean = answer
            case "v":
                clean = (small - spread * answer) * (1 + spread.square()).rsqrt()
        return (clean + 1) / RANGE

    def _answer(self, x: Tensor, steps: Tensor) -> Tensor:
        """What the network says, without variances."""
        x = in_its_precision(self.network, x)
        if steps.is_floating_point():
            steps = steps.to(torch.promote_types(x.dtype, torch.float32))
        try:
            found = self.network(x, steps)
        except (torch.OutOfMemoryError, InputError):
            raise
        except (RuntimeError, TypeError, ValueError, IndexError, AssertionError) as error:
            if not self.whole_steps and self._takes_whole(x, steps):
                raise InputError(
                    f"{self!r} can't be asked at a fraction of a step ({error}): give"
                    " whole_steps=True"
                ) from error
            if NO_GRADIENT in str(error):
                raise
            raise InputError(
                f"{self!r} failed at images {tuple(x.shape)} and steps {tuple(steps.shape)}"
                f" ({type(error).__name__}: {error}): {self._advice()}"
            ) from error
        if not isinstance(found, Tensor):
            found = getattr(found, "sample", _first(found))
        channels = x.shape[1]
        if isinstance(found, Tensor) and found.shape[1:] == (2 * channels, *x.shape[2:]):
            found = found[:, :channels]
        if not isinstance(found, Tensor) or found.shape != x.shape:
            shape = tuple(found.shape) if isinstance(found, Tensor) else type(found).__name__
            raise InputError(
                f"{self!r} made {shape} of images {tuple(x.shape)}; it should return a tensor of"
                " that shape, or of twice the channels, or something with such a .sample"
            )
        return found

    def _advice(self) -> str:
        if takes(self.network, 2):
            return OF_OTHER_IMAGES + "; " + CONDITIONED
        return CONDITIONED

    def _takes_whole(self, x: Tensor, steps: Tensor) -> bool:
        try:
            self.network(x, steps.round().long())
        except Exception:  # then it fails at other things as well
            return False
        return True

    def __repr__(self) -> str:
        name = getattr(self.network, "__qualname__", type(self.network).__qualname__)
        return f"DiffusionNetwork({name}, {len(self.levels)} steps, predicts={self.predicts!r})"


def _first(found: object) -> object:
    return found[0] if isinstance(found, tuple | list) and found else found
