"""Figures: rows of images with captions, and maps of the standard deviation.

A panel is laid out in whole pixels: a pixel of the widest image becomes a square of a whole number
of figure pixels, so noise looks like noise and nothing is resampled, up to 800 pixels across.
Figures are plain `matplotlib.figure.Figure` objects: no window is opened, no global state touched.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from attrs import field, frozen
from torch import Tensor

from .errors import InputError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from .result import Result

INCHES, LEAST, MOST = 2.0, 400, 800
"""The width of a tile, in inches, and its least and greatest number of figure pixels."""

ACROSS = 4.0
"""The width of all tiles together, in inches, at least."""

SHOWN = 3
"""Of images that are neither gray nor in colour so many channels are shown."""

MOST_ROWS, MOST_SAMPLES = 8, 4
"""What `plot_result` shows of a larger result."""


def _picture(image: Tensor) -> NDArray[np.float64]:
    """`(H, W)` or `(H, W, 3)` of one image."""
    shape = tuple(image.shape)
    image = image[0] if image.ndim == 4 and shape[0] == 1 else image
    image = image[None] if image.ndim == 2 else image
    if image.ndim != 3 or image.shape[0] not in (1, 3) or image.numel() == 0:
        raise InputError(
            f"a tensor of shape {shape} can't be shown: an image is (C, H, W) with C = 1 or 3"
        )
    array: NDArray[np.float64] = image.detach().cpu().double().movedim(0, -1).numpy()
    return array[..., 0] if array.shape[-1] == 1 else array


@frozen(eq=False)
class Tile:
    """One image of a panel.

    Args:
        image: `(C, H, W)`, `(1, C, H, W)` or `(H, W)`, C = 1 or 3, in [0, 1].
        caption: what it is.
        note: a figure that goes with it, such as "29.3 dB".
        spread: whether it is a standard deviation: shown in false colours with a colour bar, the
            root mean square over the channels.

    Raises:
        InputError: image is not one image.
    """

    image: NDArray[np.float64] = field(converter=_picture, repr=False)
    caption: str = ""
    note: str = ""
    spread: bool = field(default=False, kw_only=True)


def panel(
    rows: Sequence[Sequence[Tile | None]], /, *, labels: Sequence[str] = (), title: str = ""
) -> Figure:
    """A figure of rows of tiles, aligned in columns; `None` leaves a place empty.

    Args:
        rows: the tiles; images of different sizes are scaled to the same width.
        labels: one for each row, written along it; a second line is set smaller.
        title: above everything.

    Raises:
        InputError: there is no tile, or labels and rows don't match.

    >>> import torch
    >>> figure = panel([[Tile(torch.rand(3, 8, 8), "a"), Tile(torch.rand(1, 8, 8), "b", "20 dB")]])
    >>> len(figure.axes)
    2
    """
    from matplotlib.figure import Figure

    tiles = [tile for row in rows for tile in row if tile is not None]
    if not tiles:
        raise InputError("a panel needs at least one tile")
    if labels and len(labels) != len(rows):
        raise InputError(f"{len(labels)} labels for {len(rows)} rows: give one for each row")
    layout = _Layout.of(rows, labelled=bool(labels), titled=bool(title))
    size = (layout.width / layout.dpi, layout.height / layout.dpi)
    figure = Figure(figsize=size, dpi=layout.dpi)
    for i, row in enumerate(rows):
        for j, tile in enumerate(row):
            if tile is not None:
                _draw(figure, layout, tile, layout.place(i, j, tile))
        if labels:
            _label(figure, layout, i, labels[i])
    if title:
        x, y = layout.left[0] / layout.width, 1 - layout.inch(0.1) / layout.height
        figure.text(x, y, title, ha="left", va="top", size=12, weight="bold")
    return figure


def plot_result(result: Result, /, *, measured: bool = False) -> Figure:
    """The estimate of each measurement, or the mean, the spread and the first samples.

    Of images with other channels than 1 or 3 the first three are shown, or the first of two, which
    the title says; the standard deviation is always that of all.

    Args:
        result: what to show.
        measured: whether the measurement stands to the left of each, where it is an image.

    Raises:
        InputError: the measurement is to be shown and is no image, or not known.

    >>> import torch
    >>> from invprob.result import Result
    >>> result = Result(torch.rand(3, 1, 1, 8, 8), 10, "ran all 10 steps", ())
    >>> len(plot_result(result).axes)  # mean, spread and its colour bar, three samples
    6
    """
    samples = result.samples
    count, shown = samples.shape[0], min(samples.shape[1], MOST_ROWS)
    given = _measurements(result, shown) if measured else []
    if count == 1 and given:
        return panel(
            [[y, Tile(_shown(samples[0, b]), "estimate")] for b, y in enumerate(given)],
            title=_what_is_shown(samples[0, 0]),
        )
    if count == 1:
        across = math.ceil(math.sqrt(shown))
        tiles = [
            Tile(_shown(samples[0, b]), f"estimate {b}" if shown > 1 else "") for b in range(shown)
        ]
        rows = [tiles[k : k + across] for k in range(0, shown, across)]
        return panel(rows, title=_what_is_shown(samples[0, 0]))
    mean, std = result.mean, result.std
    return panel(
        [
            [
                *given[b : b + 1],
                Tile(_shown(mean[b]), f"mean of {count} samples"),
                Tile(_spread(std[b]), "standard deviation", spread=True),
                *(
                    Tile(_shown(samples[i, b]), f"sample {i}")
                    for i in range(min(count, MOST_SAMPLES))
                ),
            ]
            for b in range(shown)
        ],
        title=_what_is_shown(samples[0, 0]),
    )


def _measurements(result: Result, shown: int) -> list[Tile]:
    if result.problem is None:
        raise InputError("this result does not know its measurement; leave `measured` out")
    return [Tile(_shown(y), "measured") for y in result.problem.y[:shown]]


def _shown(image: Tensor) -> Tensor:
    """An image `(C, H, W)` that can be shown: of many channels the first."""
    if image.ndim != 3 or image.shape[0] in (1, SHOWN):
        return image
    return image[: SHOWN if image.shape[0] > SHOWN else 1]


def _spread(std: Tensor) -> Tensor:
    """A standard deviation `(C, H, W)` that can be shown: of many channels that of all."""
    many = std.ndim == 3 and std.shape[0] not in (1, SHOWN)
    return std.square().mean(0).sqrt() if many else std


def _what_is_shown(image: Tensor) -> str:
    """Which channels are shown, where these are not all."""
    count, shown = image.shape[0], _shown(image).shape[0]
    if image.ndim != 3 or count == shown:
        return ""
    if shown == 1:
        return f"channel 0 of {count}"
    return f"channels 0 to {shown - 1} of {count}, as red, green and blue"


@frozen
class _Layout:
    """Where things are, in figure pixels from the top left corner."""

    dpi: float
    tile: int
    left: tuple[int, ...]
    top: tuple[int, ...]
    heights: tuple[int, ...]
    width: int
    height: int

    @classmethod
    def of(cls, rows: Sequence[Sequence[Tile | None]], *, labelled: bool, titled: bool) -> _Layout:
        tiles = [tile for row in rows for tile in row if tile is not None]
        widest: int = max(tile.image.shape[1] for tile in tiles)
        size = min(widest * math.ceil(LEAST / widest), MOST)
        dpi = size / max(INCHES, ACROSS / max(map(len, rows)))

        def inch(length: float) -> int:
            return round(length * dpi)

        heights = tuple(
            max((_height(t, size) for t in row if t is not None), default=0) for row in rows
        )
        barred = {j for row in rows for j, t in enumerate(row) if t is not None and t.spread}
        at, left = inch(0.42 if labelled else 0.1), []
        for j in range(max(map(len, rows))):
            left.append(at)
            at += size + inch(0.62 if j in barred else 0.1)
        down, top = inch(0.38 if titled else 0.06), []
        for height in heights:
            down += inch(0.22)
            top.append(down)
            down += height + inch(0.06)
        return cls(dpi, size, tuple(left), tuple(top), heights, at, down + inch(0.04))

    def inch(self, length: float) -> int:
        return round(length * self.dpi)

    def place(self, i: int, j: int, tile: Tile) -> tuple[int, int, int, int]:
        """Left, top, width and height of a tile, centred in a row of higher ones."""
        height = _height(tile, self.tile)
        return self.left[j], self.top[i] + (self.heights[i] - height) // 2, self.tile, height

    def axes(self, figure: Figure, left: int, top: int, width: int, height: int) -> Axes:
        bottom = self.height - top - height
        box = (left / self.width, bottom / self.height, width / self.width, height / self.height)
        return figure.add_axes(box)


def _height(tile: Tile, width: int) -> int:
    rows, columns = map(int, tile.image.shape[:2])
    return round(rows * width / columns)


def _draw(figure: Figure, layout: _Layout, tile: Tile, box: tuple[int, int, int, int]) -> None:
    from matplotlib.ticker import MaxNLocator

    left, top, width, height = box
    axes = layout.axes(figure, left, top, width, height)
    axes.set_axis_off()
    look: dict[str, Any] = {"cmap": "gray", "vmin": 0, "vmax": 1}
    image = tile.image.clip(0, 1)
    if tile.spread:
        image = tile.image if tile.image.ndim == 2 else np.sqrt((tile.image**2).mean(-1))
        look = {"cmap": "inferno", "vmin": 0, "vmax": float(np.percentile(image, 99.5)) or 1e-6}
    smooth = "hanning" if image.shape[1] > width else "nearest"
    shown = axes.imshow(image, interpolation=smooth, aspect="auto", **look)
    baseline = 1 - (top - layout.inch(0.045)) / layout.height
    for text, x, side, colour in (
        (tile.caption, left, "left", "black"),
        (tile.note, left + width, "right", "0.35"),
    ):
        if text:
            figure.text(
                x / layout.width, baseline, text, ha=side, va="baseline", size=8.5, color=colour
            )
    if tile.spread:
        bar = layout.axes(figure, left + width + layout.inch(0.06), top, layout.inch(0.09), height)
        scale = figure.colorbar(shown, cax=bar, extend="max", extendfrac=0.03)
        scale.outline.set_visible(False)
        scale.locator = MaxNLocator(nbins=5, steps=[1, 2, 5, 10])
        bar.tick_params(labelsize=7, length=2, width=0.6, pad=1.5)


def _label(figure: Figure, layout: _Layout, i: int, label: str) -> None:
    first, _, second = label.partition("\n")
    middle = 1 - (layout.top[i] + layout.heights[i] / 2) / layout.height
    for text, x, size, weight, colour in (
        (first, 0.13, 10, "bold", "black"),
        (second, 0.3, 8, "normal", "0.35"),
    ):
        style: dict[str, Any] = {"size": size, "weight": weight, "color": colour, "rotation": 90}
        figure.text(layout.inch(x) / layout.width, middle, text, ha="center", va="center", **style)
