"""Weight files: safetensors in half precision, read only if they are what they should be.

A safetensors file is a JSON header and raw numbers: unlike a pickle, reading one runs no code. A
file that comes with the package is also compared with its SHA-256, so that a download that broke
off is not mistaken for a bad prior.

Half precision (float16) stores 11 significant bits, 3 more than the bfloat16 that inference
mostly uses.

Reference: https://huggingface.co/docs/safetensors
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Generic, Protocol, TypeVar, cast

import torch
from attrs import frozen
from torch import Tensor, nn

from ..errors import InputError, WeightsError
from ..files import replacing

EMBEDDED = Path(__file__).parent / "weights"
"""The folder of what comes with the package."""

N = TypeVar("N", bound=nn.Module)
A = TypeVar("A", bound="Describes")
A_co = TypeVar("A_co", bound="Describes", covariant=True)


def write_weights(network: nn.Module, path: Path, about: Mapping[str, str] | None = None) -> str:
    """Write a network's weights, atomically.

    Args:
        network: any network.
        path: where to; an existing file is replaced once the new one is complete.
        about: texts that `read_about` gives back, such as the network's architecture.

    Returns:
        The file's SHA-256, to be written into the code that ships the file.
    """
    from safetensors.torch import save

    tensors = {
        name: tensor.detach().cpu().to(torch.float16).contiguous()
        for name, tensor in network.state_dict().items()
    }
    content = save(tensors, dict(about or {}))
    with replacing(path) as file:
        file.write(content)
    return hashlib.sha256(content).hexdigest()


def read_weights(path: Path, sha256: str | None = None) -> dict[str, Tensor]:
    """The tensors in a weight file, by name.

    Args:
        path: a safetensors file.
        sha256: what the file's digest has to be; None accepts any.

    Returns:
        Tensors as they were stored.

    Raises:
        WeightsError: the file is missing, damaged, not safetensors, or another one than expected.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load

    content = _content(path)
    found = hashlib.sha256(content).hexdigest()
    if sha256 is not None and found != sha256:
        why = "it was cut short, or rewritten since it was loaded; load it again"
        if path.parent == EMBEDDED:
            why = (
                "it was cut short, changed, or belongs to another version; reinstall invprob"
                " (pip install --force-reinstall invprob)"
            )
        raise WeightsError(
            f"the weight file {path} ({len(content)} bytes) has the SHA-256 {found}, expected"
            f" {sha256}: {why}"
        )
    try:
        return load(content)
    except SafetensorError as error:
        raise WeightsError(
            f"the weight file {path} ({len(content)} bytes) is no safetensors file, or was cut"
            f" short: {error}; pickled files (.pt, .pth) are not read, because reading one can"
            " run any code: convert it with safetensors.torch.save_file(state_dict, path)"
        ) from error


def digest_of(path: Path) -> str:
    """The SHA-256 of a weight file; `WeightsError` if it can't be read."""
    return hashlib.sha256(_content(path)).hexdigest()


def read_about(path: Path) -> dict[str, str]:
    """The texts that a weight file was written with; none if it can't be read."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "pt") as file:
            return dict(file.metadata() or {})
    except (OSError, SafetensorError):
        return {}


class Describes(Protocol):
    """What a network looks like, as a weight file says it."""

    def to_json(self) -> str:
        """As text."""


class Described(Protocol[A_co]):
    """A network that knows what it looks like."""

    @property
    def architecture(self) -> A_co:
        """What it looks like."""


@frozen
class NetworkFile(Generic[N, A]):
    """Files of one kind of network, each of which says what its network looks like.

    Attributes:
        key: under which name a file says it.
        kind: what a file holds, in words.
        command: of `invprob train`, which writes such files.
        network: makes a network of an architecture.
        parse: makes an architecture of a text; `InputError` if that can't be.
    """

    key: str
    kind: str
    command: str
    network: Callable[[A], N]
    parse: Callable[[str], A]

    def write(self, network: N, path: Path) -> str:
        """Write weights and architecture, atomically; returns the file's SHA-256."""
        described = cast(Described[A], network)
        return write_weights(network, path, {self.key: described.architecture.to_json()})

    def architecture(self, path: Path) -> A:
        """What the network in a file looks like.

        Raises:
            WeightsError: the file is missing, damaged, or holds another network.
        """
        about = read_about(path)
        text = about.get(self.key)
        if text is None:
            tensors = sorted(read_weights(path))
            found = ", ".join(about) or f"tensors {tensors[:3]} ..."
            raise WeightsError(
                f"the weight file {path} holds no {self.kind} but another network ({found}); give"
                f" a file that `invprob train {self.command}` wrote"
            )
        try:
            return self.parse(text)
        except InputError as error:
            raise WeightsError(f"the weight file {path} is damaged: {error}") from error

    def load(self, path: Path, sha256: str | None = None) -> N:
        """The network in a file, frozen, on the processor, in float32.

        Args:
            path: a file that `write` wrote.
            sha256: what the file's digest has to be; None accepts any.

        Raises:
            WeightsError: the file is missing, damaged, another one than expected, or holds
                another network.
        """
        tensors = read_weights(path, sha256)
        with torch.random.fork_rng(devices=[]):  # the weights that are drawn here are replaced
            network = self.network(self.architecture(path))
        fill(network, tensors, path)
        return network.eval().requires_grad_(False)


def fill(network: nn.Module, tensors: Mapping[str, Tensor], path: Path) -> None:
    """Put weights into the network that they were made for.

    Args:
        network: gets the weights, in its own precision.
        tensors: weights by name, as `read_weights` returns them.
        path: the file that they came from, for messages.

    Raises:
        WeightsError: names or shapes differ from the network's, or a weight is not finite.
    """
    wanted = network.state_dict()
    missing = sorted(set(wanted) - set(tensors))
    foreign = sorted(set(tensors) - set(wanted))
    reshaped = [
        f"{name} is {tuple(tensors[name].shape)}, not {tuple(wanted[name].shape)}"
        for name in sorted(set(wanted) & set(tensors))
        if tensors[name].shape != wanted[name].shape
    ]
    if missing or foreign or reshaped:
        raise WeightsError(
            f"the weight file {path} was made for another network than"
            f" {type(network).__name__}: {len(missing)} tensors are missing {missing[:3]},"
            f" {len(foreign)} are unknown {foreign[:3]}, {len(reshaped)} have another shape"
            f" {reshaped[:3]}; build the network that the file belongs to, or train this one"
            " anew"
        )
    broken = sorted(name for name, tensor in tensors.items() if not bool(tensor.isfinite().all()))
    if broken:
        raise WeightsError(
            f"the weight file {path} has values that are not finite in {broken[:3]}: the training"
            " that wrote it diverged; take an earlier file"
        )
    network.load_state_dict(dict(tensors))


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise WeightsError(
            f"can't read the weight file {path}: {error.strerror or error}; "
            + ("reinstall invprob" if path.parent == EMBEDDED else "name a .safetensors file")
        ) from error
