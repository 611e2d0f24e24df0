"""A problem: which images are likely, how the measurement arose, and the measurement.

`Problem(prior, likelihood, y)` checks everything that can be known before any work is done: that y
is a floating-point batch of finite numbers in the right unit, that the likelihood can have caused
it, that the prior knows images of that shape, and that operators from outside have the adjoint
that they should have. A photograph behind a blur that wraps around is warned of (`borders`).
"""

from __future__ import annotations

import math
from typing import Any, Generic, TypeVar

import torch
from attrs import Factory, evolve, field, frozen
from torch import Tensor

from .borders import warn_if_borders_do_not_fit
from .brightness import bright_images, measured, refuse_few_above
from .contracts import (
    ChecksMeasurement,
    Denoises,
    Domain,
    HasDomain,
    HasLatent,
    InfersImageShape,
    Likelihood,
    LinearOperator,
    MadeForLikelihood,
    Prior,
    Scores,
    ScoresMeasurement,
    Shape,
)
from .counts import check_count
from .errors import InputError
from .operators.adjoint_check import FAILURES, try_operators
from .operators.planes import given_shape
from .operators.structure import operator_of
from .streams import generator

P_co = TypeVar("P_co", covariant=True)
L_co = TypeVar("L_co", covariant=True)

OF_PRIORS = (Denoises, Scores, HasLatent, ScoresMeasurement)
"""What no likelihood has a method of the same name for."""

FAR = 10.0
"""So many times the brightest value that a likelihood makes of a white image is too much."""

WHITE = "the white level: 255 for 8-bit files, 65535 for 16-bit files"


def _detached(y: Tensor) -> Tensor:
    """Without a history: a solver asks for no gradient."""
    return y.detach() if isinstance(y, Tensor) else y


def _inferred_image_shape(problem: Problem[Any, Any]) -> Shape:
    _check_parts(problem.prior, problem.likelihood)
    return _image_shape(problem.likelihood, problem.y)


@frozen(eq=False)
class Problem(Generic[P_co, L_co]):
    """An inverse problem.

    Args:
        prior: which images are likely.
        likelihood: how a measurement arises from an image.
        y: the measurement, `(B, *measurement)`, floating point, for images in [0, 1].
        image_shape: the image's shape without the batch. By default what the likelihood infers
            from y's shape, or y's shape itself; an operator of your own that changes the shape
            has a method `image_shape(shape)`, or it is given here.
        samples: how many rows of y repeat each measurement; `repeat` sets it.

    Raises:
        InputError: y is not a batch of finite floating-point numbers, can't be a measurement of
            images in [0, 1], or the prior does not know images of that shape, or knows another
            likelihood alone; an operator of your own is not linear, or its adjoint is not its own.

    >>> import torch, invprob as ip
    >>> y = torch.rand(1, 1, 8, 8)
    >>> prior = ip.GaussianPrior(mean=torch.full((1, 8, 8), 0.5), sd=0.2)
    >>> ip.Problem(prior, ip.Gaussian(sigma=0.1), y).image_shape
    (1, 8, 8)
    """

    prior: P_co
    likelihood: L_co
    y: Tensor = field(converter=_detached, repr=lambda y: str(tuple(y.shape)))
    image_shape: Shape = field(
        default=Factory(_inferred_image_shape, takes_self=True), converter=given_shape
    )
    samples: int = field(default=1, kw_only=True)

    def __attrs_post_init__(self) -> None:
        _check_parts(self.prior, self.likelihood)
        check_measurement(self.y)
        if isinstance(self.likelihood, ChecksMeasurement) and self.samples == 1:
            self.likelihood.check_measurement(self.y)
        _check_made(self.likelihood, self.image_shape, self.y)
        if isinstance(self.prior, MadeForLikelihood):
            if reason := self.prior.refusal(self.likelihood):
                raise InputError(reason)
        domain = domain_of(self.prior)
        _check_image_shape(domain, self.image_shape, self.prior, self.y)
        if domain.unit_range and self.samples == 1:
            self._check_unit()
        if self.samples == 1:
            try_operators(self.likelihood, self.image_shape, self.y)
            warn_if_borders_do_not_fit(self.likelihood, self.y)

    @property
    def measurements(self) -> int:
        """How many different measurements y holds; rows `i * measurements + b` share number b."""
        return int(self.y.shape[0]) // self.samples

    def repeat(self, samples: int, /) -> Problem[P_co, L_co]:
        """The same problem for several samples of each measurement, sample-major."""
        check_count("samples", samples)
        rows = self.y.repeat(samples, *[1] * (self.y.ndim - 1))
        return evolve(self, y=rows, samples=samples * self.samples)

    def zeros(self) -> Tensor:
        """A batch of black images: y's rows, dtype and device, the image's shape."""
        return self.y.new_zeros((self.y.shape[0], *self.image_shape))

    def _check_unit(self) -> None:
        assert isinstance(self.likelihood, Likelihood)
        largest = max(
            float(self.likelihood.sample(image, generator(0)).abs().max())
            for image in bright_images(self.y.new_ones((1, *self.image_shape)))
        )
        seen = float(measured(self.likelihood, self.y).max())
        if self.y.ndim == 1 + len(self.image_shape):  # pixels, and no coefficients of them
            refuse_few_above(self.likelihood, self.y, FAR * max(largest, 1e-6))
        if math.isfinite(largest) and seen > FAR * max(largest, 1e-6):
            advice, typed = _to_unit(self.likelihood, seen)
            raise InputError(
                f"y has values up to {seen:.4g}, but this likelihood makes at most about "
                f"{largest:.4g} of a white image in [0, 1]; {advice}",
                typed=typed,
            )


def _to_unit(likelihood: object, seen: float) -> tuple[str, str]:
    """What to do with a y that is too large: in Python, and typed."""
    while (noise := getattr(likelihood, "noise", None)) is not None:
        likelihood = noise
    if (peak := getattr(likelihood, "peak", None)) is not None:
        return (
            f"give y = counts / peak, y / {peak:g}; or, of a photo, divide y by {WHITE}",
            f"--white {peak:g} of a file that holds counts",
        )
    return (
        f"divide y (and every sigma) by {WHITE}",
        f"--white NUMBER, the file's value that means 1: the greatest is now {seen:.6g}, and "
        "should be about 1",
    )


def _check_parts(prior: object, likelihood: object) -> None:
    """Raise `InputError` for a likelihood that is none, a class, or a network that is no prior."""
    for part in (prior, likelihood):
        if isinstance(part, type):
            name = part.__name__
            raise InputError(f"{name} is a class; give an instance of it: {name}(...)")
    if reason := no_likelihood(likelihood):
        raise InputError(f"{reason}; the order is Problem(prior, likelihood, y)")
    if isinstance(likelihood, OF_PRIORS) and not isinstance(prior, OF_PRIORS):
        raise InputError(
            f"{likelihood!r} is a prior, and no likelihood; the order is "
            "Problem(prior, likelihood, y)"
        )
    if prior is None:
        raise InputError("None is no prior; photographs have DenoiserPrior.pretrained()")
    if isinstance(prior, str | int | float | Tensor):
        raise InputError(
            f"a {type(prior).__name__} is no prior; the order is Problem(prior, likelihood, y), "
            "and photographs have DenoiserPrior.pretrained()"
        )
    if callable(prior) and not isinstance(prior, Prior):
        raise InputError(
            f"{prior!r} is a function or a network, and not yet a prior; wrap it: "
            "DenoiserPrior(network) if it is called with (x, sigma) and returns the denoised x, "
            "DenoiserPrior(lambda x, sigma: network(x)) if it does not ask for sigma"
        )


def no_likelihood(part: object, /) -> str:
    """Why a part is no likelihood; empty if it is one."""
    if isinstance(part, Likelihood):
        return ""
    return f"{part!r} is no likelihood: it has no method `sample(x, generator)`"


def domain_of(prior: object, /) -> Domain:
    """What the prior was made for; anything, if it doesn't say."""
    return prior.domain() if isinstance(prior, HasDomain) else Domain()


def check_measurement(y: Tensor, /) -> None:
    """Raise `InputError` unless y is a batch of finite floating-point numbers."""
    if not isinstance(y, Tensor):
        raise InputError(
            f"y is a {type(y).__name__}; give a torch.Tensor, for example torch.as_tensor(y) "
            "(a file: ip.read_image(path))"
        )
    if y.is_complex():
        raise InputError(
            f"y has type {y.dtype}; give complex numbers as two real ones, torch.view_as_real(y), "
            "and make them so: from_callable(lambda x: torch.view_as_real(f(x)), image_shape=...) "
            "or, of frequencies, H = Fourier(mask) and y = H.measurement(data)"
        )
    if not y.is_floating_point():
        raise InputError(
            f"y has type {y.dtype}; give floating-point numbers in [0, 1]: y.float() / 255 for an "
            "8-bit image"
        )
    if y.dtype not in (torch.float32, torch.float64):
        raise InputError(
            f"y has type {y.dtype}, whose 2 or 3 digits no solver can work with; give y.float(). "
            'A faster network: DenoiserPrior.pretrained(precision="bfloat16")'
        )
    if y.layout != torch.strided:
        raise InputError(f"y is sparse, {y.layout}; give y.to_dense()")
    if y.ndim < 2:
        raise InputError(
            f"y has shape {tuple(y.shape)}; a batch is needed, (B, C, H, W) for images: y[None]"
        )
    if y.numel() == 0:
        raise InputError(f"y has shape {tuple(y.shape)}: it is empty")
    bad = ~torch.isfinite(y)
    if bool(bad.any()):
        where = tuple(int(i) for i in bad.nonzero()[0])
        raise InputError(
            f"y has {int(bad.sum())} values that are not finite, the first at index {where}; "
            "mark them as missing with Gaussian(sigma, operator=Mask(mask)), unless they are so, "
            "and set them to 0: y.nan_to_num(0)",
            typed="-A mask:file=mask.png, black where they are, and a file with numbers there",
        )


def _image_shape(likelihood: object, y: Tensor) -> Shape:
    check_measurement(y)
    shape = tuple(int(n) for n in y.shape[1:])
    return likelihood.image_shape(shape) if isinstance(likelihood, InfersImageShape) else shape


def _check_made(likelihood: object, image_shape: Shape, y: Tensor) -> None:
    """Raise `InputError` unless the likelihood measures y of images of this shape."""
    operator, shape = operator_of(likelihood), tuple(y.shape[1:])
    if not isinstance(likelihood, InfersImageShape):
        return
    if isinstance(operator, LinearOperator) and not isinstance(operator, InfersImageShape):
        try:
            made = tuple(operator.out_shape(image_shape))
        except (AssertionError, *FAILURES) as error:
            raise InputError(
                f"{operator!r} takes no images of shape {image_shape}: {error}; give the shape "
                f"of images of which it makes {shape}, image_shape=(C, H, W)"
            ) from error
        if made != shape:
            raise InputError(
                f"y has measurements of shape {shape}, but {operator!r} makes {made} of images "
                f"of shape {image_shape}; give image_shape=, the shape of images of which it "
                "makes y, or the operator a method image_shape(shape), which says it"
            )
    elif image_shape != (inferred := _image_shape(likelihood, y)):
        raise InputError(
            f"image_shape={image_shape}, but measurements of shape {shape} are made of images of "
            f"shape {inferred} by {likelihood!r}; leave image_shape out"
        )


def _check_image_shape(domain: Domain, shape: Shape, prior: object, y: Tensor) -> None:
    if domain.shape is not None and shape != domain.shape:
        raise InputError(
            f"the images of this problem have shape {shape}, but {prior!r} knows only "
            f"{domain.shape}"
        )
    if domain.channels is not None and (len(shape) != 3 or shape[0] not in domain.channels):
        count = " or ".join(map(str, domain.channels))
        raise InputError(
            f"the images of this problem have shape {shape}; {prior!r} takes (C, H, W) with "
            f"C = {count}{_with_channels(y, domain.channels)}"
            + (": move the channels first, y.movedim(-1, 1)" if shape[-1] in (1, 3) else "")
        )


def _with_channels(y: Tensor, channels: tuple[int, ...]) -> str:
    """What to give for one image without a batch, or for gray images without their channel."""
    if y.ndim == 2:
        return ": y[None, None]"
    if y.ndim == 3:
        return ": y[None]" if y.shape[0] in channels else ": y[:, None]"
    return ""
