"""A noise model as text, with what came before the noise: `-l poisson:peak=30 -A mask:file=m.png`.

`Gaussian` takes a linear operator itself, since much more is known of it then. Noise that treats
every pixel by itself, and says so by its `log_density`, is put behind the operator,
`Observed(noise, H)`. Noise behind a filter of
its own is refused, because two readings are possible: the filter is the last in one and the first
in the other.
"""

from __future__ import annotations

from typing import Any

from ..errors import InputError
from .specs import make, parameters_of, parse


def make_noise(likelihood: str, operator: str | None, /) -> Any:
    """Make a likelihood from text, of H x if a linear operator is given as text.

    A likelihood with a place for an operator takes it; noise that treats every pixel by itself is
    put behind it, `Observed(noise, H)`.

    Raises:
        InputError: nothing can come before this noise.

    >>> make_noise("gaussian:sigma=0.1", "downsample:factor=2")
    Gaussian(sigma=0.1, operator=Downsample(factor=2))
    >>> make_noise("poisson:peak=30", "downsample:factor=2")
    Observed(noise=Poisson(peak=30.0), operator=Downsample(factor=2))
    """
    if operator is None:
        return make("likelihood", likelihood)
    from ..catalogue import catalogue

    spec, before = parse(likelihood), make("operator", operator)
    if "operator" in spec.options:
        raise InputError(f"{spec} has an operator already; leave out -A {operator}, or that one")
    component = catalogue().get("likelihood", spec.name)
    if "operator" in parameters_of(component.from_text):
        return make("likelihood", likelihood, {"operator": before})
    return _behind(make("likelihood", likelihood), before, f"-l {spec} -A {operator}")


def _behind(noise: Any, operator: Any, typed: str) -> Any:
    """The noise of H x, where the noise treats every pixel by itself."""
    from ..compatibility import lacks
    from ..contracts import Flat, HasLikelihood
    from ..likelihoods.observed import Observed
    from ..likelihoods.pixelwise import Pixelwise

    if not lacks(noise, Flat) and noise.flat():
        raise InputError(f"{typed}: nothing was measured, so nothing came before; leave -A out")
    if lack := lacks(noise, Pixelwise):
        lack = f"is not Pixelwise, with one number for each pixel: {lack}"
    elif lack := lacks(noise, HasLikelihood):
        lack = f"has no log-density: {lack}"
    else:
        return Observed(noise, operator)
    raise InputError(
        f"{typed}: a linear map can come before noise that has a log-density for every pixel by "
        f"itself, and {noise!r} {lack}. If it filters the noise, say what the filter is applied "
        'to: -l "correlated:noise=(observed:noise=(poisson:peak=30),operator=(mask:file=m.png))"'
    )
