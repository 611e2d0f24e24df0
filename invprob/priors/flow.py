r"""A normalizing flow is a prior with a density that can be evaluated.

A flow is an invertible network z = f(x) trained until images become standard normal noise. By the
change of variables

    log p(x) = log N(f(x); 0, I) + log |det ∂f/∂x|,

exactly, constants included: with it, "the most probable image" means something. Sampling is
x = f⁻¹(z), z ~ N(0, I); with z ~ N(0, T² I), T < 1, samples are more typical and less varied than
the prior.

What to keep in mind. The density is of images *with* a little noise: `networks.glow` says how
levels of gray and the unit [0, 1] are accounted for, so samples can leave [0, 1] by half a level.
Flows by `invprob train flow` have also seen some images with more noise, so that ascent finds its
way from a noisy image (`training.flow`), and some of their samples are noisy. The density is exact
for the model, which is not the world: far from what it was trained on a flow extrapolates freely,
and images of another kind can get a high density (Nalisnick et al. 2019). Samplers want
∇ log p_sigma, the gradient at one known noise level; that would take a flow for each, so
`FlowPrior` is no `Scores` and no `Denoises`.

References: Kingma, Dhariwal, Glow, 2018, https://arxiv.org/abs/1807.03039. Helminger et al., Blind
image restoration with flow based priors, 2020, https://arxiv.org/abs/2009.04583. Nalisnick et al.,
Do deep generative models know what they don't know?, 2019, https://arxiv.org/abs/1810.09136.
"""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import Literal

import torch
from attrs import Factory, field, frozen
from torch import Generator, Tensor

from ..contracts import Domain, HasLatent, Shape
from ..errors import InputError
from ..networks.stored_glow import DIGITS, DIGITS_SHA256, StoredGlow
from ..networks.weights_file import digest_of
from ..problem import domain_of
from .checks import check_images
from .own_network import check_at_rest


@frozen(eq=False, repr=False)
class FlowPrior:
    """The images that a normalizing flow prefers.

    Args:
        flow: `encode(x)`, which gives standard normal latents z and log |det ∂z/∂x| `(B,)`, and
            `decode(z)`, for images in the unit of [0, 1]: a `Glow`, or any other.
        domain: the images that it was made for; by default what the flow's own `domain()` says,
            and anything if it has none.

    Raises:
        InputError: flow lacks one of the two methods, or is a network in training mode, where that
            makes a difference; in use: images outside the domain.

    >>> import math, torch, invprob as ip
    >>> class Halves:
    ...     def encode(self, x): return 2 * x, x.new_full(x.shape[:1], 4 * math.log(2))
    ...     def decode(self, z): return z / 2
    >>> ip.FlowPrior(Halves()).log_prob(torch.zeros(1, 1, 2, 2))  # = log N(0; 0, I / 4)
    tensor([-0.9032])

    Method, what is exact, references: help("invprob.priors.flow").
    """

    flow: HasLatent = field()
    _domain: Domain = field(default=Factory(lambda self: domain_of(self.flow), takes_self=True))

    @flow.validator
    def _is_flow(self, attribute: object, value: object) -> None:
        if not isinstance(value, HasLatent):
            raise InputError(
                f"flow={value!r} has no methods encode(x) -> (z, log_det) and decode(z) -> x;"
                " give a Glow, or a class with these two around your own network"
            )
        check_at_rest(value)

    @classmethod
    def pretrained(cls, name: Literal["digits"] = "digits") -> FlowPrior:
        """A flow that comes with the package; works offline.

        Args:
            name: `"digits"`, handwritten ones, white on black, gray, 28 x 28 pixels: small enough
                to try things on. See `networks/weights/DIGITS.md` for what it was trained on.

        Raises:
            InputError: there is none of that name.
            WeightsError: in use: the embedded file is missing or damaged.

        >>> import invprob as ip
        >>> ip.FlowPrior.pretrained().domain().shape
        (1, 28, 28)
        """
        if name != "digits":
            raise InputError(f"there is no embedded flow {name!r}; type 'digits'")
        return cls(StoredGlow(DIGITS, DIGITS_SHA256))

    @classmethod
    def load(cls, file: Path | str) -> FlowPrior:
        """The flow in a file that `invprob train flow` wrote.

        Args:
            file: its path, .safetensors.

        Raises:
            WeightsError: the file is missing, damaged, or holds another network.
        """
        path = Path(os.path.abspath(file))
        return cls(StoredGlow(path, digest_of(path)))

    def log_prob(self, x: Tensor, /) -> Tensor:
        """The log-density log p(x), in nats, for images in [0, 1].

        Args:
            x: `(B, C, H, W)`, floating point.

        Returns:
            `(B,)` in x's precision; finite wherever x is, up to overflow.

        Raises:
            InputError: x is outside the domain, or no batch of floating point.
        """
        check_images(x, self._domain, self)
        z, log_det = self._at_rest().encode(x if x.dtype == torch.float64 else x.float())
        return (standard_normal_log_prob(z) + log_det).to(x.dtype)

    def encode(self, x: Tensor, /) -> tuple[Tensor, Tensor]:
        """The latents of images, and the log-determinant.

        Args:
            x: `(B, C, H, W)`, floating point, in [0, 1].

        Returns:
            z, standard normal if x is a sample of the prior, and log |det ∂z/∂x| `(B,)`.

        Raises:
            InputError: as in `log_prob`.
        """
        check_images(x, self._domain, self)
        return self._at_rest().encode(x)

    def decode(self, z: Tensor, /) -> Tensor:
        """The images of latents, the inverse of `encode`.

        Args:
            z: as `encode` gives it.

        Raises:
            InputError: z has a shape that the flow can't decode.
        """
        return self._at_rest().decode(z)

    def sample(self, shape: Shape, generator: Generator, /, *, temperature: float = 1.0) -> Tensor:
        """Images of the prior.

        Args:
            shape: `(B, C, H, W)`; latents of a shape other than the image's can't be drawn.
            generator: the source of randomness.
            temperature: standard deviation of the latents, >= 0; below 1 images are more typical
                and less varied, and are no samples of p any more.

        Returns:
            Images `shape`, float32, on the generator's device, not clipped to [0, 1].

        Raises:
            InputError: the flow has images of another shape, or the temperature is negative.
        """
        if not 0 <= temperature < math.inf:
            raise InputError(f"temperature={temperature}: give a number from 0 to about 1")
        own = self._domain.shape
        if own is not None and tuple(shape[1:]) != own:
            wanted = ", ".join(map(str, own))
            raise InputError(
                f"images of shape {tuple(shape[1:])} were asked of {self!r}, which knows"
                f" (B, {wanted})"
            )
        z = torch.randn(shape, generator=generator, device=generator.device)
        with torch.no_grad():
            return self.decode(temperature * z)

    def domain(self) -> Domain:
        """The images that the flow was made for."""
        return self._domain

    def _at_rest(self) -> HasLatent:
        """The flow, if it is no network in training mode by now."""
        check_at_rest(self.flow)
        return self.flow

    def __repr__(self) -> str:
        if isinstance(self.flow, StoredGlow) and self.flow.path == DIGITS:
            return "FlowPrior.pretrained('digits')"
        if isinstance(self.flow, StoredGlow):
            return f"FlowPrior.load({str(self.flow.path)!r})"
        return f"FlowPrior({type(self.flow).__name__})"


def standard_normal_log_prob(z: Tensor) -> Tensor:
    """The log-density log N(z; 0, I) `(B,)` of latents `(B, *any)`.

    >>> standard_normal_log_prob(torch.zeros(1, 2))  # = -log 2 pi
    tensor([-1.8379])
    """
    flat = z.flatten(1)
    return -0.5 * (flat.square().sum(1) + flat.shape[1] * math.log(2 * math.pi))
