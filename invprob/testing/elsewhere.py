"""Asking a part on another device, torch's `meta`, and leaving its networks where they were.

A function such as

    NETWORK = load()

    def denoise(x, sigma):
        return NETWORK.to(x.device)(x, sigma)

answers where it was asked, and takes its network along: whoever asks on another device at the same
time meets weights that have left, and weights on `meta` are gone for good. So the networks that
exist before are looked at afterwards, wherever a part keeps them, and what was moved is put back.
One that is made for a device when it is first asked for there is the part's own affair.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from torch import nn

from .calls import Call
from .verdict import CheckFailure, holds

SHOWN = 80


def refusal_of(call: Call, /) -> str:
    """What torch refuses on `meta` that a GPU may allow, in words; empty if it answers.

    Raises:
        CheckFailure: a tensor stayed behind, or the answer is not where it was asked.
    """
    try:
        answers = call.with_arguments(lambda a: a.to("meta"))()
    except Exception as error:  # `meta` has no values, so much is refused
        said = str(error)
        if "expected device" in said or "same device" in said:
            raise CheckFailure(
                f"{call.name}: {said}; build constants from an argument "
                "(x.new_tensor(...), torch.arange(n, device=x.device)) or move them: m.to(x)"
            ) from error
        return f"{call.name}: {said.splitlines()[0][:SHOWN] if said else type(error).__name__}"
    for answer in answers:
        holds(answer.is_meta, f"{call.name} answers on {answer.device}, not where it was asked")
    return ""


@contextmanager
def networks_stay(kind: str, /) -> Iterator[list[str]]:
    """Put networks that exist already back; the list has the names of those that were moved.

    Args:
        kind: of the part. It takes a tenth of a second to find them, so priors alone are asked.
    """
    everything = gc.get_objects() if kind == "prior" else []
    modules = (one for one in everything if issubclass(type(one), nn.Module))
    kept = [(one, _tensors(one)) for one in modules]
    moved: list[str] = []
    try:
        yield moved
    finally:
        for network, before in kept:
            now = _tensors(network)
            left = {name for name in before if _has_left(before[name], now.get(name))}
            for holder in (network._parameters, network._buffers) if left else ():
                holder.update({name: before[name] for name in left & holder.keys()})
            moved += [type(network).__name__] if left else []


def _tensors(network: nn.Module) -> dict[str, Any]:
    """Its own parameters and buffers, not those of modules within; none before its __init__."""
    values = vars(network)
    return {**values.get("_parameters", {}), **values.get("_buffers", {})}


def _has_left(before: Any, now: Any) -> bool:
    return before is not None and now is not None and now.is_meta and not before.is_meta
