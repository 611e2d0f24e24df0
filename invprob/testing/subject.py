"""What the kit must know of a part before it can draw anything: its kind and its images.

Both are found by asking the part. The kind follows from its methods. The image shapes follow from
`domain()` of a prior and otherwise from trying: an operator's `out_shape` and a likelihood's
`sample` raise an error for a shape that can't be, and a measurement tells the image's shape.
Shapes to try are a few small ones and those that the part itself holds, such as a mask's. All of
it can be overruled in `conforms` and `parametrize`.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Iterator
from typing import Any

import attrs
import torch
from attrs import evolve, frozen
from torch import Tensor

from ..catalogue import KINDS
from ..contracts import InfersImageShape, Shape
from ..errors import InputError
from ..operators.planes import given_shape
from ..problem import Problem, domain_of, no_likelihood
from ..streams import Streams, generator
from .case import Case, Images
from .reference import gaussian_problems

SMALL: tuple[Shape, ...] = (
    (1, 1, 1),
    (1, 1, 2),
    (1, 2, 2),
    (3, 1, 1),
    (3, 2, 2),
    (1, 3, 3),
    (1, 4, 4),
    (3, 4, 4),
    (1, 5, 5),
    (1, 6, 6),
    (1, 7, 7),
    (2, 2, 2),
)
USUAL: tuple[Shape, ...] = ((1, 8, 8), (3, 8, 8), (1, 6, 10))
LARGE: tuple[Shape, ...] = (
    (1, 16, 16),
    (2, 8, 8),
    (3, 16, 16),
    (1, 32, 32),
    (3, 32, 32),
    (64,),
)


@frozen(eq=False)
class Subject:
    """A part under test, and what is needed to draw cases for it.

    Attributes:
        part: the part.
        kind: one of `catalogue.KINDS`.
        shapes: the image shapes to draw from, the usual one first.
        template: a case of which seed, shape and batch are replaced.
    """

    part: Any
    kind: str
    shapes: tuple[Shape, ...]
    template: Case

    def case(self, seed: int, shape: Shape | None = None, batch: int = 2) -> Case:
        """The case of that seed, by default with the usual shape."""
        return evolve(self.template, seed=seed, shape=shape or self.shapes[0], batch=batch)


def subject(
    part: object,
    /,
    *,
    kind: str | None = None,
    shape: Shape | None = None,
    images: Images | tuple[float, float] | None = None,
    problem: Problem[Any, Any] | None = None,
) -> Subject:
    """Find out what a part is and which images it takes.

    Raises:
        InputError: the part's kind or a shape that it takes can't be found; say it.
    """
    if isinstance(part, type):
        raise InputError(f"{part.__name__} is a class; give an instance: {part.__name__}(...)")
    kind = kind or kind_of(part)
    if kind not in KINDS:
        raise InputError(f"kind={kind!r} is not one of {', '.join(KINDS)}")
    if kind == "likelihood" and (reason := no_likelihood(part)):
        raise InputError(reason)
    if problem is not None:
        shape = problem.image_shape
    if shape is not None:
        smallest: tuple[Shape, ...] = (given_shape(shape),)
        shapes = smallest
        if problem is None and (why := _refusal(part, kind, smallest[0])):
            raise InputError(f"{type(part).__name__} takes no images of shape {shape}: {why}")
    else:
        smallest = tuple(sorted(_shapes(part, kind), key=math.prod))
        shapes = tuple(s for s in USUAL if s in smallest) or smallest[-1:]
    if not shapes:
        why = _refusal(part, kind, USUAL[0])
        raise InputError(
            f"no image shape was found that {type(part).__name__} takes"
            + (f"; for {USUAL[0]}, {why}" if why else "")
            + "; if it takes others, say one: shape=(1, 8, 8)",
            typed="--shape 1,8,8",
        )
    several = next((s for s in smallest if math.prod(s) > 1), smallest[0])
    block = max(smallest, key=lambda s: (sum(n > 1 for n in s), -math.prod(s)))
    template = Case(0, kind, shapes[0], smallest[0], several, block, problem=problem)
    if isinstance(images, tuple):
        if len(images) != 2 or not images[0] < images[1]:
            raise InputError(f"images={images}; give the darkest and the brightest: (0.1, 0.9)")
        template = evolve(template, low=images[0], high=images[1])
    elif images is not None:
        template = evolve(template, draw=images)
    if kind == "prior":
        template = _within_domain(template, part)
    if kind == "solver" and problem is None:
        template = evolve(template, problem=_acceptable(part, shapes[0]))
    return Subject(part, kind, shapes, template)


def kind_of(part: object, /) -> str:
    """`"solver"`, `"operator"`, `"likelihood"` or `"prior"`, by the methods that a part has."""

    def has(*names: str) -> bool:
        return all(callable(getattr(part, name, None)) for name in names)

    if has("init", "step", "estimate"):
        return "solver"
    if has("forward", "adjoint"):
        return "operator"
    if any(map(has, ("denoise", "score", "encode", "measurement_score", "posterior_sample"))):
        return "prior"
    for name in ("sample", "log_prob"):
        if has(name):
            arguments = list(inspect.signature(getattr(part, name)).parameters)
            prior_like = arguments[:1] == ["shape"] or (name == "log_prob" and len(arguments) == 1)
            return "prior" if prior_like else "likelihood"
    raise InputError(
        f"{type(part).__name__} is neither a prior, a likelihood, an operator nor a solver by its "
        "methods; say which: kind='likelihood'"
    )


def _acceptable(solver: Any, shape: Shape) -> Problem[Any, Any]:
    """The first of the kit's problems that the solver does not refuse, or else the first."""
    problems = list(gaussian_problems(shape))
    for problem in problems:
        try:
            solver.steps(problem)
            solver.init(problem, Streams(0, 1, problem.measurements), None)
        except InputError:
            continue
        except Exception:  # a finding, which the checks will report
            break
        return problem
    return problems[0]


def _shapes(part: Any, kind: str) -> tuple[Shape, ...]:
    """The shapes that a part takes; those that its measurements lead back to, if there are any."""
    candidates = dict.fromkeys((*SMALL, *USUAL, *LARGE, *_held(part)))
    domain = domain_of(part)
    if kind == "prior":
        return tuple(
            shape
            for shape in candidates
            if (domain.shape is None or shape == tuple(domain.shape))
            and (domain.channels is None or (len(shape) == 3 and shape[0] in domain.channels))
        )
    if kind == "solver":
        return tuple(candidates)
    taken = {shape: back for shape in candidates if (back := _there_and_back(part, kind, shape))}
    returned = tuple(shape for shape, back in taken.items() if shape == back)
    return returned or tuple(taken)


def _there_and_back(part: Any, kind: str, shape: Shape) -> Shape | None:
    """The image shape that a measurement of an image of this shape speaks of; None if refused."""
    try:
        return _through(part, kind, shape)
    except Exception:  # whatever it raises, it does not take this shape
        return None


def _refusal(part: Any, kind: str, shape: Shape) -> str | None:
    """What a part says against images of this shape; None if it takes them."""
    try:
        if kind in ("operator", "likelihood") and _through(part, kind, shape) is None:
            return "the rows of its measurements are not those of the images"
    except InputError as error:
        return str(error)
    except Exception as error:
        method = "out_shape(shape)" if kind == "operator" else "sample(x, generator)"
        return f"{method} raised {type(error).__name__}: {error}"
    return None


def _through(part: Any, kind: str, shape: Shape) -> Shape | None:
    if kind == "operator":
        made = part.out_shape(shape)
        return tuple(part.image_shape(made)) if isinstance(part, InfersImageShape) else shape
    y = part.sample(torch.full((3, *shape), 0.5), generator(0))
    if not isinstance(y, Tensor):
        raise InputError(f"sample(x, generator) gives a {type(y).__name__}, not a torch.Tensor")
    made = tuple(y.shape[1:])
    if y.shape[:1] != (3,):  # the batch was taken for a part of the image
        return None
    return tuple(part.image_shape(made)) if isinstance(part, InfersImageShape) else made


def _held(part: Any, depth: int = 3) -> Iterator[Shape]:
    """The shapes that a part speaks of: fields called `...shape`, and its tensors."""
    if not attrs.has(type(part)) or depth == 0:
        return
    for field in attrs.fields(type(part)):
        value = getattr(part, field.name, None)
        if isinstance(value, Tensor):
            yield from (tuple(s) for s in (value.shape, value.shape[1:]) if s and s.numel())
        elif field.name.endswith("shape") and isinstance(value, tuple):
            yield tuple(value)
        else:
            yield from _held(value, depth - 1)


def _within_domain(template: Case, part: object) -> Case:
    domain = domain_of(part)
    least, greatest = domain.sigma
    low, high = (min(max(level, least), greatest) for level in template.sigma_range)
    return evolve(template, sigma_range=(low, high))
