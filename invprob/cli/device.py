"""Where the commands compute: the option `--device`, and whether there is such a device."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    import torch

Device = Annotated[str, typer.Option(help="Where to compute: cpu, cuda, cuda:1, mps.")]


def usable(name: str) -> torch.device:
    """A device that there is.

    Raises:
        InputError: torch has none of that name, or it is not usable.
    """
    import torch

    from ..errors import InputError

    try:
        torch.empty(1, device=name).item()
        return torch.device(name)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        near = get_close_matches(name, ("cpu", "cuda", "mps", "xpu"), 1)
        instead = f"did you mean {near[0]}?" if near and near[0] != name else "type cpu"
        if "aten::" in reason or "Expected one of" in reason:  # a list of all that torch knows
            reason = f"torch here has no {name}"
        raise InputError(f"--device {name} can't be used here: {reason}; {instead}") from error
