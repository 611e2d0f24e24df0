r"""Muon: momentum whose matrices are made orthogonal before they are applied.

For a weight matrix W with momentum M = U S Vᵀ, the step is along U Vᵀ: every direction in which
the gradient has anything to say gets the same length, so rare directions are learned as fast as
common ones. U Vᵀ is found without a decomposition by the odd polynomial iteration

    X ← a X + b (X Xᵀ) X + c (X Xᵀ)² X,

which pushes all singular values towards 1 (Newton-Schulz; five rounds bring them within about
0.7..1.2, which is enough). A convolution's kernel is the matrix `(out, in * height * width)`.
The step is scaled by 0.2 sqrt(max(rows, columns)), so its entries are about as large as AdamW's
and learning rates mean the same (Liu et al. 2025, section 2.2).

References: Jordan et al., Muon, 2024, https://kellerjordan.github.io/posts/muon/. Liu et al., Muon
is scalable for LLM training, 2025, https://arxiv.org/abs/2502.16982.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn

POLYNOMIAL = (3.4445, -4.7750, 2.0315)
"""a, b, c: the steepest at 0 that keeps singular values near 1 (Jordan et al.)."""


class Muon(torch.optim.Optimizer):
    """Orthogonalised momentum for matrices and convolution kernels.

    Args:
        parameters: weights with at least two axes.
        lr: learning rate, on the scale of AdamW's.
        momentum: share of the old momentum kept in each step.
        rounds: Newton-Schulz rounds.

    Example:
        >>> layer = nn.Conv2d(4, 8, 3)
        >>> optimizer = Muon([layer.weight], lr=0.002)
        >>> layer(torch.ones(1, 4, 5, 5)).sum().backward()
        >>> optimizer.step()
    """

    def __init__(
        self,
        parameters: Iterable[nn.Parameter],
        lr: float,
        momentum: float = 0.95,
        rounds: int = 5,
    ) -> None:
        super().__init__(parameters, {"lr": lr, "momentum": momentum, "rounds": rounds})

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> None:  # type: ignore[override]
        """One update of every parameter that has a gradient; `closure` must be None."""
        if closure is not None:
            raise NotImplementedError("Muon takes no closure; call backward() before step()")
        for group in self.param_groups:
            same_shape: dict[tuple[int, int], list[Tensor]] = defaultdict(list)
            for parameter in group["params"]:
                if parameter.grad is not None:
                    same_shape[_matrix(parameter).shape[0], _matrix(parameter).shape[1]].append(
                        parameter
                    )
            for (rows, columns), parameters in same_shape.items():
                moved = [self._lookahead(parameter, group["momentum"]) for parameter in parameters]
                steps = orthogonalise(torch.stack(moved), group["rounds"])
                length = 0.2 * max(rows, columns) ** 0.5 * group["lr"]
                for parameter, change in zip(parameters, steps, strict=True):
                    parameter.sub_(change.view(parameter.shape).to(parameter), alpha=length)

    def _lookahead(self, parameter: Tensor, momentum: float) -> Tensor:
        """Nesterov's: the gradient plus the momentum that already contains it."""
        gradient = parameter.grad
        if gradient is None:
            raise RuntimeError("a parameter lost its gradient during the step")
        state = self.state[parameter]
        if not state:
            state["momentum"] = torch.zeros_like(gradient)
        state["momentum"].lerp_(gradient, 1 - momentum)
        return _matrix(gradient.lerp(state["momentum"], momentum))


def muon_and_adam(
    network: nn.Module, rate: float, adam_rate: float
) -> list[torch.optim.Optimizer]:
    """What a denoising network is learned by.

    Args:
        network: its kernels are all four-axis weights that are in no `heads` and no `tails`.
        rate: Muon's learning rate, for the kernels.
        adam_rate: AdamW's learning rate, for all else.
    """
    kernels: list[nn.Parameter] = []
    rest: list[nn.Parameter] = []
    for name, parameter in network.named_parameters():
        is_kernel = parameter.ndim == 4 and not {"heads", "tails"} & set(name.split("."))
        (kernels if is_kernel else rest).append(parameter)
    adam = torch.optim.AdamW(rest, lr=adam_rate, betas=(0.9, 0.99), weight_decay=0.0)
    return [Muon(kernels, lr=rate), adam]


def orthogonalise(matrices: Tensor, rounds: int = 5) -> Tensor:
    """About U Vᵀ for each matrix U S Vᵀ.

    Args:
        matrices: `(N, rows, columns)`.
        rounds: Newton-Schulz rounds.

    Returns:
        `(N, rows, columns)`, bfloat16: its singular values are within about 0.7..1.2.
    """
    tall = matrices.shape[1] > matrices.shape[2]
    x = matrices.mT if tall else matrices
    x = (x / (x.norm(dim=(1, 2), keepdim=True) + 1e-12)).bfloat16()
    a, b, c = POLYNOMIAL
    for _ in range(rounds):
        square = x @ x.mT
        x = a * x + (b * square + c * square @ square) @ x
    result: Tensor = x.mT if tall else x
    return result


def _matrix(parameter: Tensor) -> Tensor:
    return parameter.flatten(1)
