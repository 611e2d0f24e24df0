r"""A denoiser is a prior: Tweedie's formula turns one into a score.

Let x = x₀ + sigma n with n ~ N(0, I), and p_sigma the density of x. Differentiating
p_sigma(x) = ∫ p(x₀) N(x; x₀, sigma² I) dx₀ under the integral gives

    ∇ log p_sigma(x) = (E[x₀ | x] - x) / sigma²,

so whoever has the minimum mean squared error denoiser E[x₀ | x] knows the gradient of the log
density of noisy images, at every noise level, without a normalised density. All samplers and
plug-and-play methods here rest on that.

A network is only close to the posterior mean, only for images and noise levels like those that it
was trained on: hence `domain`, which is checked at every call.

References: Robbins, An empirical Bayes approach to statistics, 1956. Miyasawa, An empirical Bayes
estimator of the mean of a normal population, 1961. Efron, Tweedie's formula and selection bias,
2011, https://doi.org/10.1198/jasa.2011.tm11181. Raphan and Simoncelli, Least squares estimation
without priors or supervision, 2011, https://doi.org/10.1162/NECO_a_00076.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import torch
from attrs import field, fields, frozen
from torch import Tensor, nn

from ..contracts import Domain, ToneFree
from ..errors import InputError
from ..networks.denoiser import SIGMA_RANGE
from ..networks.stored_denoiser import (
    PRETRAINED,
    Precision,
    StoredDenoiser,
    Weights,
    read_architecture,
)
from ..networks.tiles import Tile
from ..networks.weights_file import digest_of
from .checks import check_images
from .diffusion_network import DiffusionNetwork, Predicts
from .own_network import called, check_at_rest

DenoisingFunction = Callable[[Tensor, Tensor], Tensor]

ROUNDING = 1e-4
"""How far, relatively, a noise level may be outside the domain: schedules end with rounding."""


@frozen(eq=False, repr=False)
class DenoiserPrior:
    """The images that a denoiser prefers.

    Args:
        denoiser: `(x, sigma) -> x`, a function or a network: E[x₀ | x₀ + sigma n = x] for `x`
            `(B, C, H, W)` in [0, 1] up to noise, and `sigma` `(B,)` in the same unit. A network is
            asked in the precision of its parameters.
        domain: the images and noise levels that it was made for; anything by default.
        tone_free: whether it takes an image for one whatever curve its brightness went through, a
            logarithm for example, as networks and filters for photographs do; `VST` asks for it.
            By default only the networks of `pretrained` and `load` do.

    Raises:
        InputError: denoiser is not callable, or a network in training mode, where that makes a
            difference; in use: an image or a noise level is outside the domain, or
            the denoiser can't be called with (x, sigma), returns no tensor, or changes the image's
            shape.

    >>> import torch, invprob as ip
    >>> flat = ip.DenoiserPrior(lambda x, sigma: x.mean((2, 3), keepdim=True).expand_as(x))
    >>> x = torch.tensor([[[[0.2, 0.4]]]])
    >>> flat.denoise(x, 0.1)
    tensor([[[[0.3000, 0.3000]]]])
    >>> flat.score(x, 0.1).round()
    tensor([[[[ 10., -10.]]]])

    Method, what is exact, references: help("invprob.priors.denoiser").
    """

    denoiser: DenoisingFunction = field()
    _domain: Domain = field(factory=Domain)
    _tone_free: bool = field(default=False, kw_only=True)

    @denoiser.validator
    def _callable(self, attribute: object, value: object) -> None:
        if not callable(value):
            raise InputError(
                f"denoiser={value!r} can't be called; give a function or a network that takes"
                " (x, sigma) and returns the denoised x"
            )
        check_at_rest(value)

    @classmethod
    def pretrained(
        cls,
        precision: Precision = "auto",
        tile: Tile = "auto",
        turns: bool = True,
        views: int = 1,
        multiscale: bool = True,
        luminance: bool = True,
    ) -> DenoiserPrior:
        """Photographs, of any size: the networks that come with the package, for colour and gray.

        Works offline. See `networks/weights/README.md` for what it was trained on.

        Args:
            precision: `"auto"`, `"float32"`, or `"bfloat16"`; the first is the second, but the
                third where that is fast and harms nothing.
            tile: larger images are done in tiles of that side, which bounds memory and changes
                nothing but rounding; `"auto"` is 1024, and None never cuts an image.
            turns: the image is turned, flipped and moved in another way at each noise level, in
                steps of 3 %: better, and less smooth in sigma (`networks/positions.py`).
            views: each call is the mean over so many positions (self-ensemble): 8 gain 0.1 dB
                where one call denoises a photograph, and take 8 times as long. Needs `turns`.
            multiscale: in noise above 0.04 the photograph at half its size is denoised as well,
                for its coarse structure (`networks/scales.py`), a third more work.
            luminance: that of photographs in colour is denoised by the network for gray ones, too
                (`networks/luminance.py`), twice the work.

        Raises:
            InputError: precision, tile or views is something else.
            WeightsError: in use: an embedded file is missing or damaged.

        >>> import invprob as ip
        >>> ip.DenoiserPrior.pretrained()
        DenoiserPrior.pretrained()
        >>> ip.DenoiserPrior.pretrained().domain().sigma
        (0.002, 10.0)
        """
        domain = Domain(channels=(1, 3), unit_range=True, sigma=SIGMA_RANGE)
        denoiser = StoredDenoiser(precision, tile, turns, views, multiscale, luminance)
        return cls(denoiser, domain, tone_free=True)

    @classmethod
    def load(
        cls,
        file: Path | str,
        precision: Precision = "auto",
        tile: Tile = "auto",
        turns: bool = False,
        views: int = 1,
        multiscale: bool = False,
    ) -> DenoiserPrior:
        """The denoiser in a file that `invprob train denoiser` wrote.

        Args:
            file: its path, .safetensors.
            precision: as in `pretrained`.
            tile: as in `pretrained`.
            turns: whether its images are as likely turned and flipped, as photographs are and
                faces are not: results are then a little better (`networks/positions.py`).
            views: as in `pretrained`.
            multiscale: whether they are as likely at half their size; as in `pretrained`.

        Raises:
            InputError: precision, tile or views is something else.
            WeightsError: the file is missing or damaged, or holds another network.
        """
        path = Path(os.path.abspath(file))
        digest = digest_of(path)
        weights = Weights(read_architecture(path).channels, path, digest)
        denoiser = StoredDenoiser(precision, tile, turns, views, multiscale, weights=(weights,))
        domain = Domain(channels=weights.channels, unit_range=True, sigma=SIGMA_RANGE)
        return cls(denoiser, domain, tone_free=True)

    @classmethod
    def from_diffusion(
        cls,
        network: Callable[..., object],
        alphas_cumprod: Sequence[float] | Tensor | str = "linear",
        predicts: Predicts = "epsilon",
        whole_steps: bool = False,
        shape: tuple[int, ...] | None = None,
    ) -> DenoiserPrior:
        """The images that a diffusion model makes, by its network; `priors/diffusion_network.py`.

        Args:
            network: takes noisy images `(B, C, H, W)`, as in training from [-1, 1], and steps
                `(B,)` of 0 .. T - 1; returns a tensor, or what has one as `sample`; learned
                variances, C more channels, are left out.
            alphas_cumprod: `(T,)`, the products of 1 - beta, or the name of a schedule of 1000
                steps: `"linear"` (Ho et al. 2020), `"cosine"` (Nichol and Dhariwal 2021). Zeros at
                its end (zero terminal SNR), infinite noise, are left out.
            predicts: what it answers with: the noise, `"epsilon"`, the image, `"x"`, or `"v"`.
            whole_steps: ask at the nearest step, if the network takes no fractions of one.
            shape: the one image shape `(C, H, W)` that it takes, if there is one.

        Raises:
            InputError: the network can't be called or is in training mode, where that makes a
                difference; the schedule or a name is none.

        >>> import torch, invprob as ip
        >>> normal = lambda x, t: x * torch.linspace(0.01, 1, 1000)[t].view(-1, 1, 1, 1)
        >>> prior = ip.DenoiserPrior.from_diffusion(normal, whole_steps=True)
        >>> round(prior.domain().sigma[0], 3)
        0.005
        """
        denoiser = DiffusionNetwork(network, alphas_cumprod, predicts, whole_steps)
        return cls(denoiser, Domain(shape=shape, unit_range=True, sigma=denoiser.range))

    def tone_free(self) -> bool:
        """As it was said; see `withdrawn` where it was not."""
        return self._tone_free

    def withdrawn(self) -> Mapping[type, str]:
        """`ToneFree`, of a denoiser of which nobody said that it is."""
        why = "nobody said that it takes images of any tone: DenoiserPrior(f, tone_free=True)"
        return {} if self._tone_free else {ToneFree: why}

    def denoise(self, x: Tensor, sigma: Tensor | float, /) -> Tensor:
        """E[x₀ | x₀ + sigma n = x].

        Args:
            x: noisy images `(B, C, H, W)`, floating point.
            sigma: noise level > 0, `()` or `(B,)` or a number.

        Returns:
            `(B, C, H, W)` in x's precision.

        Raises:
            InputError: x or sigma is outside the domain, or x is no batch of floating point.
        """
        check_images(x, self._domain, self)
        out = called(self.denoiser, x, self._levels(x, sigma), self._name())
        if out.shape != x.shape:
            raise InputError(
                f"the denoiser {self._name()} made {tuple(out.shape)} of an image of shape"
                f" {tuple(x.shape)}; a prior's denoiser has to keep the shape"
            )
        return out.to(x.dtype)

    def score(self, x: Tensor, sigma: Tensor | float, /) -> Tensor:
        """∇ log p_sigma(x) = (D(x, sigma) - x) / sigma², by Tweedie's formula.

        Args:
            x: noisy images `(B, C, H, W)`, floating point.
            sigma: noise level > 0, `()` or `(B,)` or a number.

        Returns:
            `(B, C, H, W)` in x's precision.

        Raises:
            InputError: as in `denoise`; sigma = 0 is refused, a denoiser knows nothing there.
        """
        difference = self.denoise(x, sigma) - x
        variance = self._levels(x, sigma).square()
        return difference / variance.view(-1, *[1] * (x.ndim - 1))

    def domain(self) -> Domain:
        """The images and noise levels that the denoiser was made for."""
        return self._domain

    def _levels(self, x: Tensor, sigma: Tensor | float) -> Tensor:
        """Sigma as `(B,)`, checked."""
        level = torch.as_tensor(sigma, dtype=x.dtype, device=x.device)
        if level.shape not in (torch.Size([]), x.shape[:1]):
            raise InputError(
                f"sigma has shape {tuple(level.shape)}, and x {tuple(x.shape)}; give one noise"
                f" level, or one per image: shape ({x.shape[0]},)"
            )
        low, high = self._domain.sigma
        inside = (level > 0) & (level >= low * (1 - ROUNDING)) & (level <= high * (1 + ROUNDING))
        if not bool(inside.all()):
            worst = float(level.reshape(-1)[~inside.reshape(-1)][0])
            hint = " (for 0..255 type sigma / 255)" if worst > high else ""
            raise InputError(
                f"sigma={worst:.4g} is outside what the prior {self!r} was made for, {low:g} to"
                f" {high:g}, above 0, in the unit of images in [0, 1]{hint}; clamp it, or let the"
                " schedule begin and end within"
            )
        return level.expand(x.shape[0])

    def _name(self) -> str:
        if isinstance(self.denoiser, nn.Module):
            return type(self.denoiser).__name__
        return str(getattr(self.denoiser, "__qualname__", repr(self.denoiser)))

    def __repr__(self) -> str:
        if isinstance(self.denoiser, StoredDenoiser):
            return _of_stored(self.denoiser)
        domain = "" if self._domain == Domain() else f", domain={self._domain}"
        tone_free = ", tone_free=True" if self._tone_free else ""
        return f"DenoiserPrior({self._name()}{domain}{tone_free})"


def _of_stored(denoiser: StoredDenoiser) -> str:
    """What to type for the networks in files."""
    pretrained = denoiser.weights == PRETRAINED
    path = str(denoiser.weights[0].path)
    name, given = ("pretrained", []) if pretrained else ("load", [repr(path)])
    for option in fields(StoredDenoiser):
        value = getattr(denoiser, option.name)
        usual = pretrained if option.name in ("turns", "multiscale") else option.default
        if option.name != "weights" and value != usual:
            given.append(f"{option.name}={value!r}")
    return f"DenoiserPrior.{name}({', '.join(given)})"
