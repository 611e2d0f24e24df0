"""Checks on drawing: measurements of a likelihood, images of a prior."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Generator, Tensor

from ..contracts import (
    ChecksMeasurement,
    HasLikelihood,
    HasLogProb,
    InfersImageShape,
    Likelihood,
    SamplesPrior,
    Shape,
)
from ..likelihoods.pixelwise import Pixelwise
from .case import Case
from .densities import density_fits_samples
from .quadrature import integrate
from .registry import check
from .statistics import COUNT, distribution_is, lattice_spacing, mean_is, unrelated
from .support import log_prob_where_possible
from .verdict import Figure, close, finite, holds, looks_like, skip

MANY = 50 * COUNT
"""How many measurements of one pixel are drawn."""


def _draws_reproduce(draw: Callable[[Generator], Tensor], case: Case) -> Figure:
    first = draw(case.generator("draw"))
    before = torch.random.get_rng_state()
    torch.manual_seed(case.seed + 1)
    stream = case.generator("draw")
    again, more = draw(stream), draw(stream)
    touched = torch.random.get_rng_state()
    torch.manual_seed(case.seed + 1)
    untouched = torch.random.get_rng_state()
    torch.random.set_rng_state(before)
    holds(
        bool(torch.equal(touched, untouched)),
        "drawing moved torch's global random state; pass generator=generator to the draw",
    )
    holds(
        bool(torch.equal(first, again)),
        "the same generator in the same state drew something else; the draw depends on more",
    )
    return holds(
        not torch.equal(again, more),
        "a second draw from the same generator equals the first; the generator is not used up",
    )


@check("likelihood", Likelihood)
def measurements_have_the_promised_form(part: Any, case: Case) -> Figure:
    """sample(x, generator) is a finite tensor of x's type, and `image_shape` undoes its shape."""
    x = case.image()
    y = part.sample(x, case.generator())
    figure = looks_like(y, (case.batch, *y.shape[1:]), x.dtype, "the measurement")
    inferred = y.shape[1:]
    if isinstance(part, InfersImageShape):
        inferred = part.image_shape(tuple(y.shape[1:]))
    holds(
        tuple(inferred) == case.shape,
        f"a measurement of shape {tuple(y.shape[1:])} speaks of images of shape "
        f"{tuple(inferred)}, but it was made of one of shape {case.shape}; define image_shape",
    )
    if isinstance(part, ChecksMeasurement):
        part.check_measurement(y)
    return figure


@check("likelihood", Likelihood)
def measurements_depend_on_the_generator_alone(part: Any, case: Case) -> Figure:
    """Equal generators draw equal measurements; the global random state is left alone."""
    x = case.image()
    alike = part.sample(x[:1].repeat(8, *[1] * (x.ndim - 1)), case.generator())
    if torch.equal(alike, alike[:1].expand_as(alike)):
        skip("the measurement never varies")
    return _draws_reproduce(lambda stream: part.sample(x, stream), case)


@check("likelihood", Likelihood, once=True)
def measurements_of_a_batch_are_independent(part: Any, case: Case) -> Figure:
    """Two rows with the same image have independent noise: their correlation is 0."""
    y, x = case.many(part, COUNT)
    flat = y.double().flatten(1)
    other = part.sample(x, case.generator("other")).double().flatten(1)
    random = (flat != other).any(0)
    if not bool(random.any()):
        skip("the measurement never varies")
    centred = (flat - flat.mean(0))[:, random]
    holds(bool((centred.std(0) > 0).all()), "all rows of a batch have the very same noise")
    products = centred[::2] * centred[1::2] / centred.var(0)
    return mean_is(products, 0.0, "the correlation of neighbouring rows")


@check("likelihood", Likelihood, Pixelwise, once=True)
def noise_of_a_pixel_is_its_own(part: Any, case: Case) -> Figure:
    """Where log_density(y, x) is of each pixel alone, neighbours' noise has covariance 0."""
    y, _ = case.many(part, COUNT, case.block)
    return unrelated(y, y, "the covariance of neighbouring entries of y")


@check("likelihood", HasLikelihood)
def log_prob_is_finite_on_measurements(part: Any, case: Case) -> Figure:
    """`log p(y | x)` is one finite number per row for y drawn from x."""
    x = case.image()
    value = part.log_prob(part.sample(x, case.generator()), x)
    return looks_like(value, (case.batch,), x.dtype, "log_prob")


@check("likelihood", Pixelwise)
def log_density_adds_up_to_log_prob(part: Any, case: Case) -> Figure:
    """log_density(y, x) has y's shape, adds up to log_prob, and is that of each pixel alone."""
    holds(
        isinstance(part, HasLikelihood),
        "it has log_density(y, x), but no log_prob(y, x) that checks could compare with its "
        "samples; give `return self.log_density(y, x).flatten(1).sum(1)`",
    )
    x = case.image()
    y = part.sample(x, case.generator())
    entries = part.log_density(y, x)
    figure = looks_like(entries, tuple(y.shape), x.dtype, "log_density")
    figure |= close(entries.flatten(1).sum(1), part.log_prob(y, x), 1e-9, "the sum of log_density")
    first = torch.arange(x[0].numel()).reshape(x.shape[1:]) % 2 == 0
    if y.shape == x.shape:
        other = case.image("other")
        made = part.sample(other, case.generator("other"))
        mixed = part.log_density(torch.where(first, y, made), torch.where(first, x, other))
        figure |= close(
            mixed[:, first], entries[:, first], 1e-9, "log_density where other pixels changed"
        )
    return figure


@check("likelihood", HasLikelihood, once=True)
def log_prob_fits_the_measurements_of_a_pixel(part: Any, case: Case) -> Figure:
    """For a single pixel, ∫ p(y | x) dy = 1, and samples have that distribution function.

    A million samples tell distribution functions apart that differ by 0.003 or more. Noise that
    is 2 % too wide differs by 0.0036 (Laplace) to 0.0048 (normal).
    """
    y, x = case.many(part, COUNT)
    if x[0].numel() != 1 or y[0].numel() != 1:
        skip(f"the smallest image it takes has {x[0].numel()} pixels, not one")
    few = y.flatten().double()
    values = case.many(part, MANY)[0].flatten().double()

    def log_density(points: Tensor) -> Tensor:
        like = points.reshape(-1, *y.shape[1:])
        image = x[:1].expand(len(points), *x.shape[1:]).clone()
        return log_prob_where_possible(part, like, image)

    spacing = lattice_spacing(few)  # of many, some are equal by rounding
    if spacing is None:
        line = integrate(log_density, few, cuts=[float(x.flatten()[0])])
        nodes, cumulative, limit = line.edges, line.cumulative, 1e-5
    else:
        nodes = _lattice(values, spacing)
        cumulative, limit = log_density(nodes).exp().cumsum(0), 1e-8
    figure = close(cumulative[-1], torch.tensor(1.0), limit, "the integral of exp(log_prob)")
    shares = (
        torch.searchsorted(values.sort().values, nodes + (spacing or 0.0) / 2, right=True) / MANY
    )
    return figure | distribution_is(shares, cumulative, MANY, "sample")


@check("likelihood", HasLikelihood, once=True)
def log_prob_fits_the_measurements_of_an_image(part: Any, case: Case) -> Figure:
    """For several pixels, ∫ p(y | x) dy = 1, and samples have its means and variances."""
    shape = case.several
    x = case.image("one", batch=1, shape=shape).expand(COUNT, *shape).clone()
    y = part.sample(x, case.generator("many")).double()
    random = y.flatten(1).std(0) > 1e-12
    if bool(random.any()) and lattice_spacing(y.flatten(1)[:, random][:, 0]) is not None:
        return _lattice_of_two(part, y, x)

    def log_density(points: Tensor) -> Tensor:
        like = points.reshape(-1, *y.shape[1:])
        return log_prob_where_possible(part, like, x[: len(points)])

    return density_fits_samples(
        log_density, y.flatten(1), case.generator("proposal"), "exp(log_prob)"
    )


def _lattice(values: Tensor, spacing: float) -> Tensor:
    if spacing == float("inf"):
        skip("the measurement of this pixel never varies")
    steps = values.sort().values.diff() / spacing
    if bool(((steps - steps.round()).abs() > 1e-3).any()):
        skip("measurements take few values, but not those of a lattice")
    low, high = float(values.min()), float(values.max())
    beyond = 40 + 2 * round((high - low) / spacing)
    first = torch.arange(-beyond, round((high - low) / spacing) + beyond, dtype=torch.float64)
    return low + spacing * first


def _lattice_of_two(part: Any, y: Tensor, x: Tensor) -> Figure:
    flat = y.flatten(1)
    if flat.shape[1] != 2:
        skip(f"a lattice in {flat.shape[1]} dimensions is too large to sum over")
    axes = [_lattice(flat[:, j], lattice_spacing(flat[:, j]) or 0.0) for j in range(2)]
    grid = torch.cartesian_prod(*axes)
    total = torch.zeros((), dtype=torch.float64)
    for start in range(0, len(grid), len(x)):
        block = grid[start : start + len(x)]
        like = block.reshape(-1, *y.shape[1:])
        total += log_prob_where_possible(part, like, x[: len(block)]).exp().sum()
    return close(total, torch.tensor(1.0), 1e-8, "the sum of exp(log_prob) over two pixels")


@check("prior", SamplesPrior)
def images_have_the_promised_form(part: Any, case: Case) -> Figure:
    """sample(shape, generator) is a finite tensor of that shape; rows differ."""
    shape = (case.batch + 1, *case.shape)
    x = part.sample(shape, case.generator())
    holds(isinstance(x, Tensor), f"sample gave a {type(x).__name__}, not a torch.Tensor")
    holds(tuple(x.shape) == shape, f"sample{shape} has shape {tuple(x.shape)}")
    holds(not torch.equal(x[0], x[1]), "two rows of one draw are the same image")
    return finite(x, "the drawn image")


@check("prior", SamplesPrior)
def images_depend_on_the_generator_alone(part: Any, case: Case) -> Figure:
    """Equal generators draw equal images; the global random state is left alone."""
    return _draws_reproduce(lambda s: part.sample((case.batch, *case.shape), s), case)


@check("prior", SamplesPrior, HasLogProb, once=True)
def log_prob_fits_the_images(part: Any, case: Case) -> Figure:
    """∫ p(x) dx = 1, and samples have its means and variances."""
    figure = Figure(0.0, 1.0)
    for shape in dict.fromkeys((case.small, case.several)):

        def log_density(points: Tensor, shape: Shape = shape) -> Tensor:
            value: Tensor = part.log_prob(points.reshape(-1, *shape))
            return value

        figure |= density_fits_samples(
            log_density,
            part.sample((COUNT, *shape), case.generator("many")).double().flatten(1),
            case.generator("proposal"),
            f"exp(log_prob) of images {shape}",
        )
    return figure
