"""What a training run is told: a recipe, its budget, and what there is to learn."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Protocol

import torch
from torch import Generator, Tensor, nn

from ..errors import InputError


class Recipe(Protocol):
    """What every recipe decides about its run; tasks add settings of their own."""

    @property
    def steps(self) -> int:
        """Budget in steps; 0 means that `hours` decides."""

    @property
    def hours(self) -> float:
        """Budget in hours, training only (loading and validation are not counted)."""

    @property
    def average(self) -> float:
        """Share of the moving average that a step keeps."""

    @property
    def seed(self) -> int:
        """Of the weights and of all that is drawn."""


def check_budget(recipe: Recipe) -> None:
    """Raise `InputError` unless there is a budget, in steps or in hours."""
    if recipe.steps < 0 or not (recipe.steps or 0 < recipe.hours < math.inf):
        raise InputError(f"steps={recipe.steps}, hours={recipe.hours}: give a budget above 0")


class Task(Protocol):
    """What a run learns."""

    @property
    def recipe(self) -> Recipe:
        """How the run goes."""

    def settings(self) -> Mapping[str, object]:
        """All that a run depends on, by name; a resumed one must have the same."""

    def about(self) -> str:
        """What learns from what, in a line."""

    def network(self) -> nn.Module:
        """A new network; its weights may be drawn from torch's global generator."""

    def optimizers(self, network: nn.Module) -> Sequence[torch.optim.Optimizer]:
        """What learns it; `lr` is the greatest learning rate of each group."""

    def loss(self, network: nn.Module, step: int, generator: Generator) -> Tensor:
        """The loss of one batch, drawn from the generator, on the generator's device."""
