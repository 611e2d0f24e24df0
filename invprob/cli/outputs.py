"""The files that `invprob solve` writes.

    -o clean.png              clean.png
    -o clean.png --samples 3  clean.png (their mean), clean-std.tif, clean-sample-0.png, -1, -2,
                              clean-panel.png
    -o run/                   run/estimate.png, or run/mean.png, run/std.tif, run/sample-0.png, ...

The standard deviation is a 32-bit TIFF in the unit of the image, so that its values can be read
back; the panel shows it in colours beside the mean and the samples.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from attrs import frozen

from ..errors import InputError

if TYPE_CHECKING:
    from ..result import Result


@frozen
class Outputs:
    """Where the estimate, the samples and what is made of them go."""

    estimate: Path
    samples: tuple[Path, ...] = ()
    std: Path | None = None
    panel: Path | None = None
    bits: int | None = None

    @classmethod
    def of(cls, output: Path, *, count: int, bits: int | None) -> Outputs:
        """The files for `-o output`, with `count` samples.

        Raises:
            InputError: the suffix names no format for images, or one without that depth.
        """
        from ..formats import depth

        inside = output.is_dir() or not output.suffix
        suffix = ".png" if inside else output.suffix

        def named(word: str, suffix: str = suffix) -> Path:
            name = f"{word}{suffix}" if inside else f"{output.stem}-{word}{suffix}"
            return (output if inside else output.parent) / name

        estimate = named("mean" if count > 1 else "estimate") if inside else output
        depth(estimate, bits)
        if count == 1:
            return cls(estimate, bits=bits)
        samples = tuple(named(f"sample-{i}") for i in range(count))
        return cls(estimate, samples, named("std", ".tif"), named("panel", ".png"), bits)

    def __iter__(self) -> Iterator[Path]:
        """Every file."""
        return iter(path for path in (self.estimate, *self.samples, self.std, self.panel) if path)

    def check(self, measurement: Path, *, force: bool) -> None:
        """Make the folder; refuse to write over the input, or without `force` over anything.

        Raises:
            InputError: a file is in the way.
        """
        for path in self:
            if path.exists() and path.samefile(measurement):
                raise InputError(f"{path} is the input; write the result to another file")
            if path.exists() and not force:
                raise InputError(f"{path} exists already; type --force to write over it")
        self.estimate.parent.mkdir(parents=True, exist_ok=True)

    def write(self, result: Result) -> None:
        """Write a result of one measurement."""
        from ..images import write_image

        write_image(self.estimate, result.x, bits=self.bits)
        for path, sample in zip(self.samples, result.samples, strict=False):
            write_image(path, sample, bits=self.bits)
        if self.std is not None:
            write_image(self.std, result.std)
        if self.panel is not None:
            result.plot().savefig(self.panel)
