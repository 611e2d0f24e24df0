"""A network of one's own as a prior: at rest, and asked in its own precision.

In training mode dropout draws random numbers, batch normalisation looks at the other rows and
learns from them: answers are not those that were trained for, no seed gives them again, and the
network changes. Such a network is refused, and one word mends it, `network.eval()`. Many networks
are of convolutions and nothing else, and answer the same in either mode; refusing those too would
cost a word of everybody for nothing. So every module within is looked at: those of torch by their
kind, others by whether their class asks for `self.training`. What a function hides, as in
`lambda x, sigma: network(x)`, is not seen here; `invprob.testing.conforms` notices that its
answers differ.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from types import CodeType

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase
from torch.nn.modules.dropout import _DropoutNd
from torch.nn.utils.parametrizations import _SpectralNorm
from torch.nn.utils.spectral_norm import SpectralNorm

from ..errors import InputError


def check_at_rest(network: object, /) -> None:
    """Refuse a network in training mode, if that makes a difference.

    Raises:
        InputError: with the modules for which it does.

    >>> check_at_rest(nn.Conv2d(3, 3, 3))  # in training mode, which changes nothing
    >>> check_at_rest(nn.Dropout(0.5).eval())
    """
    if not isinstance(network, nn.Module):
        return
    found = dict.fromkeys(type(one).__name__ for one in network.modules() if _differs(one))
    if found:
        names = ", ".join(list(found)[:3])
        raise InputError(
            f"the network {type(network).__name__} is in training mode, in which {names} may draw "
            "random numbers, look at the other images, or change the network: network.eval() first"
        )


def in_its_precision(network: object, x: Tensor, /) -> Tensor:
    """X in the precision of a network's parameters; as it is for what has none, or several.

    >>> import torch
    >>> in_its_precision(nn.Conv2d(1, 1, 3), torch.zeros(1, dtype=torch.float64)).dtype
    torch.float32
    """
    if isinstance(network, nn.Module):
        kinds = {one.dtype for one in network.parameters() if one.is_floating_point()}
        if len(kinds) == 1:
            return x.to(kinds.pop())
    return x


def takes(function: object, count: int, /) -> bool:
    """Whether a call with so many arguments is one that it can take, as far as Python knows."""
    function = function.forward if isinstance(function, nn.Module) else function
    try:
        signature = inspect.signature(function)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return True
    try:
        signature.bind(*[None] * count)
    except TypeError:
        return False
    return True


def called(
    denoiser: Callable[[Tensor, Tensor], Tensor], x: Tensor, level: Tensor, name: str
) -> Tensor:
    """What a denoiser makes of images, asked in its own precision.

    Args:
        denoiser: `(x, sigma) -> x`.
        x: images `(B, C, H, W)`.
        level: noise levels `(B,)`.
        name: of the denoiser, for messages.

    Raises:
        InputError: it is in training mode, can't be called with (x, sigma), takes one image alone,
            or returns no tensor.
    """
    check_at_rest(denoiser)
    x, level = (in_its_precision(denoiser, one) for one in (x, level))
    try:
        out: object = denoiser(x, level)
    except TypeError as error:
        if takes(denoiser, 2):
            raise
        raise InputError(
            f"the denoiser {name} can't be called with (x, sigma): {error}; if it has "
            "no use for the noise level, DenoiserPrior(lambda x, sigma: f(x))"
        ) from error
    except (RuntimeError, ValueError) as error:
        if not _takes_one(denoiser, x, level, error):
            raise
        raise InputError(
            f"the denoiser {name} takes one image, and not {len(x)}: {error}; sigma "
            "has one number per row, shape (B,): sigma.view(-1, 1, 1, 1) meets images, where "
            "float(sigma) is of one row alone"
        ) from error
    if not isinstance(out, Tensor):
        kind = f"{type(out).__module__}.{type(out).__qualname__}"
        raise InputError(
            f"the denoiser {name} returned {kind.removeprefix('builtins.')}, and a "
            "torch.Tensor is needed; an array of numpy becomes one by torch.as_tensor(array)"
        )
    return out


def _takes_one(
    denoiser: Callable[[Tensor, Tensor], Tensor], x: Tensor, level: Tensor, error: Exception
) -> bool:
    """Whether it is the number of rows at which the denoiser fails."""
    if len(x) == 1 or "memory" in str(error):
        return False
    try:
        denoiser(x[:1], level[:1])
    except Exception:  # then it fails at other things as well
        return False
    return True


def _differs(module: nn.Module) -> bool:
    """Whether a module answers otherwise because it is in training mode."""
    if not module.training:
        return False
    match module:
        case _NormBase():
            return bool(module.track_running_stats)
        case _DropoutNd():
            return module.p > 0
        case nn.RNNBase() | nn.MultiheadAttention():
            return module.dropout > 0
        case nn.RReLU() | _SpectralNorm() | torch.jit.ScriptModule():
            return True
    if any(isinstance(hook, SpectralNorm) for hook in module._forward_pre_hooks.values()):
        return True
    return _asks(type(module))


def _asks(kind: type[nn.Module]) -> bool:
    """Whether a class that is not torch's own reads `training`."""
    own = (one for one in kind.__mro__ if one.__module__.partition(".")[0] != "torch")
    values = (value for one in own for value in vars(one).values())
    functions = (value.fget if isinstance(value, property) else value for value in values)
    codes = (getattr(inspect.unwrap(f), "__code__", None) for f in functions if callable(f))
    return any(code is not None and _reads(code) for code in codes)


def _reads(code: CodeType) -> bool:
    """Whether a function, or one that is defined within it, reads `training`."""
    within = (one for one in code.co_consts if isinstance(one, CodeType))
    return "training" in code.co_names or any(map(_reads, within))
