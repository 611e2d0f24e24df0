"""What the commands that train have in common."""

from __future__ import annotations

from pathlib import Path
from typing import Any

EVERY = 20
"""So many-th images are held out, unless it is said which."""


def numbers(name: str, text: str, kind: Any) -> Any:
    """The numbers in an option's text."""
    from ..errors import InputError
    from .values import convert

    try:
        return convert(text, kind)
    except ValueError:
        raise InputError(f"--{name} {text}: give numbers with commas between them") from None


def run_file(output: Path, checkpoint: Path | None) -> Path:
    """Where a run is kept: beside the weights, in a file that no other weights share.

    Raises:
        InputError: the weights are to go to a file that is not FILE.safetensors.
    """
    check_weights_file(output)
    return checkpoint or output.with_suffix(".ckpt")


def check_weights_file(output: Path) -> None:
    """Raise `InputError` for weights that are to go to a file that is not FILE.safetensors."""
    from ..errors import InputError

    if output.suffix != ".safetensors":
        raise InputError(
            f"-o {output}: weights are kept in a safetensors file; type -o {output}.safetensors"
        )


def how_to_go_on(step: int, checkpoint: Path) -> str:
    """What to do after an interruption."""
    if not checkpoint.exists():
        return f"after step {step}; nothing was saved yet, --every says how often it is"
    return f"after step {step}; to go on from the last save, {checkpoint}, type the same command"


def usable(name: str) -> Any:
    """A device that there is."""
    import torch

    from ..errors import InputError

    try:
        torch.empty(1, device=name).item()
        return torch.device(name)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(f"--device {name} can't be used here: {reason}; type cpu") from error
