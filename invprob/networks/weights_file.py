"""Weight files: safetensors, half precision."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import nn


def write_weights(network: nn.Module, path: Path) -> str:
    """Write a network's weights atomically; returns the file's SHA-256."""
    tensors = {
        name: tensor.detach().to(torch.float16).contiguous()
        for name, tensor in network.state_dict().items()
    }
    temporary = path.with_name(path.name + ".part")
    save_file(tensors, temporary)
    digest = hashlib.sha256(temporary.read_bytes()).hexdigest()
    os.replace(temporary, path)
    return digest
