r"""A training run: steps, a moving average of the weights, a clock, and checkpoints.

What is learned is a `Task`: a network, its optimisers and a loss. Learning rates follow a cosine
over the share of the budget that is used up, in steps or in hours, so that the run ends on time on
any machine. What ships is the moving average of the weights.

With a budget in steps and one thread a run is the same every time, and one that was interrupted
ends like one that was not. A checkpoint carries the settings of its run, so that it can't be
resumed with others; only the budget and the device may change. An interrupted run is saved, after
the step at hand. A step whose loss or gradient is not finite is never taken, and weights that have
become far worse are never saved (`divergence`), so a run that diverges leaves good ones behind.

`curve` has the losses, in a file that is the same for the same seed however often a run is saved.
"""

from __future__ import annotations

import contextlib
import copy
import io
import math
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Generator, nn
from tqdm import tqdm

from ..checkpoint import write_whole
from ..errors import CheckpointError, DivergenceError, InputError, Terminated
from ..files import check_writable
from .curve import Curve, curve_file
from .divergence import probe, refuse_worse
from .interruption import interruption_held
from .task import Recipe, Task


class Run:
    """A training run: the network, its moving average, the optimisers and the clock.

    Args:
        task: what to learn.
        device: where.
    """

    def __init__(self, task: Task, device: torch.device | str = "cpu") -> None:
        self.task = task
        self.device = torch.device(device)
        with torch.random.fork_rng():
            torch.manual_seed(task.recipe.seed)
            self.network = task.network().to(self.device)
        self.averaged = copy.deepcopy(self.network)
        self.optimizers = list(task.optimizers(self.network))
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                group["greatest"] = group["lr"]
        self.generator = Generator(self.device).manual_seed(task.recipe.seed)
        self.least = probe(task, self.network, self.device)
        self.window: list[float] = []
        self.step = 0
        self.saved: int | None = None
        self.seconds = 0.0

    @property
    def used(self) -> float:
        """The share of the budget that is used up."""
        return share_used(self.task.recipe, self.step, self.seconds)

    def advance(self) -> float:
        """One step; returns its loss.

        Raises:
            DivergenceError: the loss or its gradient is not finite; the network is as before.
        """
        start = time.monotonic()
        rate = schedule(self.used, self.step)
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = group["greatest"] * rate
            optimizer.zero_grad(set_to_none=True)
        loss = self.task.loss(self.network, self.step, self.generator)
        torch.autograd.backward(loss)
        norm = nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        both = torch.stack([loss.detach(), norm]).tolist()  # a graphics card waits once
        value, length = map(float, both)
        if not math.isfinite(value) or not math.isfinite(length):
            raise DivergenceError(
                f"the loss is {value:g} and its gradient has length {length:g} at step"
                f" {self.step + 1}: the learning rate is too high, or an image is broken"
            )
        for optimizer in self.optimizers:
            optimizer.step()
        self._average()
        self.window.append(value)
        self.step += 1
        self.seconds += time.monotonic() - start
        return value

    @torch.no_grad()
    def _average(self) -> None:
        keep = min(self.task.recipe.average, (1 + self.step) / (10 + self.step))
        pairs = zip(self.averaged.parameters(), self.network.parameters(), strict=True)
        for average, parameter in pairs:
            average.lerp_(parameter, 1 - keep)

    def save(self, path: Path) -> None:
        """Everything that the rest of the run depends on, atomically.

        Raises:
            DivergenceError: the weights have become far worse; nothing is written.
            CheckpointError: the disk is full, or the like; a previous file stays.
        """
        for network in (self.network, self.averaged):
            found = probe(self.task, network, self.device)
            self.least = refuse_worse(found, self.least, self.step)
        state = {
            "settings": self._settings() | {"device": self.device.type},
            "network": self.network.state_dict(),
            "averaged": self.averaged.state_dict(),
            "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
            "generator": self.generator.get_state(),
            "least": self.least,
            "window": self.window,
            "step": self.step,
            "seconds": self.seconds,
        }
        torch.save(state, content := io.BytesIO())
        write_whole(path, content.getbuffer())
        self.saved = self.step

    def restore(self, path: Path) -> str:
        """Go on from a checkpoint, and say what kind of device it is of.

        On another kind of device the run goes on with random numbers of its own.

        Raises:
            CheckpointError: the file is damaged, or belongs to a run with other settings.
        """
        try:
            state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
            saved: dict[str, str] = state["settings"]
            device = saved.pop("device")
        except Exception as error:  # a damaged file may raise anything
            raise CheckpointError(
                f"{path} is no checkpoint of a training run, or damaged ({type(error).__name__}):"
                " delete it to begin anew, or name another with --checkpoint"
            ) from error
        own = self._settings()
        names = [name for name in sorted(own | saved) if saved.get(name) != own.get(name)]
        if "noise" in names:  # the others follow from it
            names = [name for name in names if name not in ("coordinates", "law")]
        if names:
            changes = ", ".join(f"{n}={saved.get(n)} and not {own.get(n)}" for n in names)
            raise CheckpointError(
                f"{path} belongs to a run with {changes}: type the same settings to go on (the"
                " budget may change), or begin anew with other file names; nothing was written",
                typed="to go on from the weights with other settings, denoisers and scores take "
                "--start FILE.safetensors -o ANOTHER.safetensors",
            )
        self.network.load_state_dict(state["network"])
        self.averaged.load_state_dict(state["averaged"])
        for optimizer, part in zip(self.optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(part)
        self.step, self.seconds = state["step"], state["seconds"]
        self.least, self.window, self.saved = state["least"], state["window"], self.step
        if device == self.device.type:
            self.generator.set_state(state["generator"])
        else:
            self.generator.manual_seed(self.task.recipe.seed + self.step)
        return device

    def _settings(self) -> dict[str, str]:
        settings = self.task.settings()
        return {name: str(settings[name]) for name in settings if name not in ("steps", "hours")}


def begin(
    task: Task,
    out: Path,
    checkpoint: Path,
    say: Callable[[str], None] = print,
    device: torch.device | str = "cpu",
) -> Run:
    """A new run, or the one that a checkpoint holds.

    Args:
        task: what to learn.
        out: where the weights will go.
        checkpoint: where the run is kept; if there is such a file, the run goes on from it.
        say: gets a line about the run.
        device: where it is learned.

    Raises:
        InputError: there is no such folder, a file can't be written there, or out exists and
            belongs to no checkpoint.
        CheckpointError: the checkpoint is damaged, or of a run with other settings.
    """
    check_files(out, checkpoint)
    run = Run(task, device)
    before = run.restore(checkpoint) if checkpoint.exists() else run.device.type
    size = sum(parameter.numel() for parameter in run.network.parameters())
    say(f"{task.recipe}\n{task.about()}; {size} parameters")
    if run.step:
        say(f"going on from step {run.step} of {checkpoint}")
    if before != run.device.type:
        say(f"it was on {before} and is on {run.device.type} now: with other random numbers")
    return run


def check_files(out: Path, checkpoint: Path) -> None:
    """Whether a run can be kept; `InputError` as of `begin`, which a long loading may precede."""
    kept = (out, checkpoint, curve_file(checkpoint))
    if len(set(kept)) < len(kept):
        raise InputError(f"{out}, {checkpoint}: weights, checkpoint and losses need a file each")
    for path in (out, checkpoint):
        if not path.parent.is_dir():
            raise InputError(f"there is no folder {path.parent} for {path.name}; make it first")
    if out.exists() and not checkpoint.exists():
        raise InputError(
            f"{out} exists, and {checkpoint}, to go on from, does not: name another file, or"
            " move this one away"
        )
    Curve(kept[2]).check()
    for path in kept:
        check_writable(path)


def train(
    run: Run, checkpoint: Path, every: float, report: Callable[[Sequence[float]], None]
) -> None:
    """Steps until the budget is used up.

    Args:
        run: where to begin.
        checkpoint: saved each time before `report` is called, and on Ctrl-C or SIGTERM; its
            `curve` is beside it.
        every: seconds of training from one report to the next; there is one at the end, too.
        report: gets the losses since the report before; it is called in any case, with none where
            a checkpoint's budget is used up, so that the weights are there.

    Raises:
        DivergenceError: the loss is not finite, or far above what it was; the checkpoint is of
            before.
        KeyboardInterrupt: there was one; `run.saved` is the step that the checkpoint holds.
        Terminated: the same, of SIGTERM.
    """
    losses: list[float] = []
    due = run.seconds + every
    curve = Curve(curve_file(checkpoint))
    if run.used < 1:
        curve.go_on(run.step)
    else:
        report(losses)
    with tqdm(total=100.0, disable=None, bar_format="{percentage:3.0f}%|{bar}| {postfix}") as bar:
        while run.used < 1:
            with interruption_held() as interrupted, _explained(run, checkpoint):
                losses.append(run.advance())
                bar.n = 100 * run.used
                bar.set_postfix_str(f"step {run.step}, loss {losses[-1]:.4f}")
                curve.see(run, last=run.used >= 1)
                is_due = run.seconds >= due or run.used >= 1
                if is_due or interrupted:
                    run.save(checkpoint)
            if interrupted and run.used < 1:
                raise Terminated if signal.SIGTERM in interrupted else KeyboardInterrupt
            if is_due:
                due = run.seconds + every
                report(losses)
                losses.clear()


@contextlib.contextmanager
def _explained(run: Run, checkpoint: Path) -> Iterator[None]:
    """What is left of a run that diverges, and how to go on."""
    try:
        yield
    except DivergenceError as error:
        kept = "nothing was saved: begin anew, with a smaller rate"
        if run.saved is not None:
            kept = (
                f"{checkpoint} holds step {run.saved}. To go on from good weights, begin a run"
                " that starts with them, with a smaller rate and other file names"
            )
        raise DivergenceError(f"{error}. Stopped after {run.step} steps; {kept}.") from error


def share_used(recipe: Recipe, step: int, seconds: float) -> float:
    """The share of a recipe's budget that is used up, 0..1."""
    share = step / recipe.steps if recipe.steps else seconds / (3600 * recipe.hours)
    return min(share, 1.0)


def schedule(used: float, step: int) -> float:
    """The learning rate's share of its greatest: 100 steps of warm-up, then half a cosine."""
    return min(1.0, (step + 1) / 100) * 0.5 * (1 + math.cos(math.pi * used))
