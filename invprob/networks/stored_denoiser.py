"""Denoisers in files, on any device, in the precision that is fast there.

A weight file carries the architecture of its network.

Convolutions in bfloat16 run at least twice as fast as in float32 on processors with the
instructions for them (AVX512-BF16, AMX) and on graphics cards since Ampere. Bfloat16 rounds to 8
significant bits. The network sees the image with its noise, so at a noise level near 2^-9 of the
image's range rounding would drown what it should remove. Two things are done about it. The first
convolution stays in float32, which costs nothing to speak of. Below `FAST_FROM` all does. What
rounding to bfloat16 changes in the score, relative to its length, on a photograph:

    sigma                        0.005   0.01   0.02   0.06    0.1    0.3      1
    everything in bfloat16       5.4 %  3.3 %  1.9 %  1.1 %  1.2 %  0.5 %  0.2 %
    first convolution in float32 3.2 %  2.1 %  1.4 %  1.0 %  1.2 %  0.5 %  0.2 %

From sigma = 0.02 on it costs less than 0.01 dB (`benchmarks/denoiser_speed.py` measures that and
the second line).
Everything outside the network (see `networks.denoiser`) is always done in float32 or better; what
goes into one in bfloat16 is rounded to float32 before, so that images in double precision have the
answer that they have in single. On graphics cards torch's own switch
`torch.backends.cudnn.allow_tf32` says whether convolutions in float32 may round their input to 11
bits.

Nine tenths of a call on a processor are convolutions, at nine tenths of the speed of a large
matrix product. Compiling the rest could save little, takes a compiler, and is not done.

An image is turned, flipped and moved, denoised, and put back (`networks.positions`); what can't
be the answer is asked for again in another position (`networks.outliers`). In strong noise the
image at half its size is denoised too, for its coarse structure (`networks.scales`). Of an image
in colour the network for gray images denoises the luminance (`networks.luminance`).
Large images go through in tiles (`networks.tiles`).

Networks are read once per process, device and precision, on first use, and never trained: their
weights are frozen, while gradients with respect to the image pass through.
"""

from __future__ import annotations

from functools import cache, partial
from pathlib import Path
from typing import Literal, get_args

import torch
from attrs import field, frozen
from torch import Tensor

from ..counts import check_count
from ..errors import InputError
from .counted import each_of, listening
from .denoiser import Architecture, Denoiser
from .luminance import COLOUR as IN_COLOUR
from .luminance import QUIETER, luminance, with_luminance
from .outliers import LOOKS, wild, within
from .positions import TURNS, in_position, positions, view
from .scales import believed, halved, has_half, with_half
from .tiles import Tile, in_pieces, is_cut, is_tile
from .weights_file import EMBEDDED, NetworkFile

Precision = Literal["auto", "float32", "bfloat16"]

FAST_FROM = 0.02
"""The least noise level at which `precision="auto"` uses bfloat16."""

PIXELS_AT_ONCE = 2**19
"""Batches are cut so that one call of the network sees at most this many pixels (or one image)."""


FILE = NetworkFile("denoiser", "denoiser", "denoiser", Denoiser, Architecture.from_json)
write_denoiser, load_denoiser, read_architecture = FILE.write, FILE.load, FILE.architecture


@frozen
class Weights:
    """A file with a network, and the images that it is for.

    Attributes:
        channels: their channel counts.
        path: of the file.
        sha256: which version of it, as `invprob train denoiser` prints it; None accepts any.
    """

    channels: tuple[int, ...]
    path: Path
    sha256: str | None = field(default=None, repr=False)

    def load(self) -> Denoiser:
        """The network; `WeightsError` if the file is missing, damaged, or another one."""
        return load_denoiser(self.path, self.sha256)


COLOUR = Weights(
    (3,),
    EMBEDDED / "denoiser_colour.safetensors",
    "7f34efaaf4cec6f26127b48f7469e0df886797bcb263cb01046b2917b679caba",
)
GRAY = Weights(
    (1,),
    EMBEDDED / "denoiser_gray.safetensors",
    "3e21595e7988e44868ae03c9d292e90ce142c8e0efed807971b063a45727b903",
)
PRETRAINED = (COLOUR, GRAY)
"""What comes with the package, for photographs."""


def _is_count(instance: StoredDenoiser, attribute: object, value: int) -> None:
    check_count("views", value)
    if value > 1 and not instance.turns:
        raise InputError(
            f"views={value} are of images turned, flipped and moved, and turns=False says that "
            "turned ones are less likely; give turns=True, or views=1"
        )


def _known(instance: object, attribute: object, value: str) -> None:
    known = get_args(Precision)
    if value not in known:
        raise InputError(f"precision={value!r} is unknown; give {', '.join(map(repr, known))}")


@frozen
class StoredDenoiser:
    """Networks in files, as a function; it holds no tensors: cheap to copy and to pickle.

    Args:
        precision: `"auto"` takes bfloat16 where that is fast and sigma is not below `FAST_FROM`,
            float32 elsewhere; the other two always the same.
        tile: images of more than tile x tile pixels are done in tiles of that side; `"auto"` is
            1024, and None never cuts an image. The result is the same up to rounding.
        turns: whether images turned and flipped are as likely as they were: then they have another
            position at each noise level (`networks.positions`).
        views: the answer is the mean over so many positions, and takes as many times as long.
        multiscale: whether images at half their size are as likely: then that helps in strong
            noise, for a third more work (`networks.scales`).
        luminance: whether that of an image in colour is denoised by the network for gray images,
            if there is another one for these (`networks.luminance`), for twice the work.
        weights: of networks, each for other channel counts; by default the embedded ones.

    Raises:
        InputError: precision or tile is something else, views is no count, or more than 1 without
            turns; in use: tile is too small, or the image has other channels than those that the
            networks were made for.
        WeightsError: in use: a file is missing, damaged, another one than expected, or no
            denoiser.

    >>> denoise = StoredDenoiser()
    >>> denoise(torch.full((1, 1, 16, 16), 0.5), torch.tensor(0.1)).shape
    torch.Size([1, 1, 16, 16])
    """

    precision: Precision = field(default="auto", validator=_known)
    tile: Tile = field(default="auto", validator=is_tile)
    turns: bool = field(default=True)
    views: int = field(default=1, validator=_is_count)
    multiscale: bool = field(default=True)
    luminance: bool = field(default=True)
    weights: tuple[Weights, ...] = field(default=PRETRAINED, kw_only=True)

    def __call__(self, x: Tensor, sigma: Tensor) -> Tensor:
        """Denoised images.

        Args:
            x: noisy images `(B, C, H, W)`, floating point.
            sigma: noise level, `()` or `(B,)`.

        Returns:
            `(B, C, H, W)` in x's precision.
        """
        wide = x if x.dtype == torch.float64 else x.float()
        level = sigma.to(wide).expand(x.shape[0])
        told = self.luminance and self._has_gray(x)
        with each_of(1 + told):
            out = self._at_all_scales(wide, level)
            if told:
                gray = self._at_all_scales(luminance(wide), level * QUIETER)
                out = with_luminance(out, gray)
        return out.to(x.dtype)

    def _has_gray(self, x: Tensor) -> bool:
        """Whether images in colour have a network for their luminance that is not their own."""
        if x.shape[1] != IN_COLOUR:
            return False
        others = [weights for weights in self.weights if IN_COLOUR not in weights.channels]
        return any(1 in weights.channels for weights in others)

    def _at_all_scales(self, x: Tensor, level: Tensor) -> Tensor:
        """By the network for the channels of `(B, C, H, W)` alone."""
        fast = self._fast(level).cpu().long()
        place = positions(level) if self.turns else torch.zeros_like(fast)
        with each_of(self.views):
            total = self._settled(x, level, fast, place)
            for number in range(1, self.views):
                total = total + self._settled(x, level, fast, view(place, number))
        out = total / self.views if self.views > 1 else total
        if not (self.multiscale and has_half(x) and bool(believed(level).any())):
            return out
        with listening(lambda pixels: None):  # who waits has heard of this image
            half = self._at_all_scales(halved(x), level / 2)
        return with_half(out, half, level)

    def weights_for(self, x: Tensor) -> Weights:
        """Those of the network for images `(B, C, H, W)`; `InputError` if there is none."""
        for weights in self.weights:
            if x.ndim == 4 and x.shape[1] in weights.channels:
                return weights
        known = sorted(count for weights in self.weights for count in weights.channels)
        raise InputError(
            f"the denoiser takes images of shape (B, C, H, W) with C in {known}, got"
            f" {tuple(x.shape)}: it was trained on no others"
        )

    def _fast(self, level: Tensor) -> Tensor:
        """Which rows are done in bfloat16, `(B,)`."""
        if self.precision == "auto":
            return (level >= FAST_FROM) & bfloat16_is_fast(level.device)
        return torch.full_like(level, self.precision == "bfloat16", dtype=torch.bool)

    def _settled(self, x: Tensor, level: Tensor, fast: Tensor, place: Tensor) -> Tensor:
        """Each row in its position; what can't be is asked for again in others."""
        out = self._in_ways(x, level, fast + 2 * place)
        apart = 1 if self.turns else TURNS  # views, of which those are moved alone
        for look in range(1, LOOKS):
            if (bad := wild(out, x)) is None:
                return out
            rows = bad.flatten(1).any(1)
            ways = fast + 2 * view(place, look * apart)
            with listening(lambda pixels: None):  # these were counted before
                if bool(rows.all()):  # one large image, for one: nothing is copied
                    out = torch.where(bad, self._in_ways(x, level, ways), out)
                    continue
                again = self._in_ways(x[rows], level[rows], ways[rows.cpu()])
            out = out.index_put((rows,), torch.where(bad[rows], again, out[rows]))
        return out if (bad := wild(out, x)) is None else torch.where(bad, within(out, x), out)

    def _in_ways(self, x: Tensor, level: Tensor, kinds: Tensor) -> Tensor:
        """Each row in its way, `(B,)`."""
        ways = sorted(set(kinds.tolist()))
        if len(ways) == 1:
            return self._in_one_way(x, level, ways[0])
        out = torch.empty_like(x)
        for way in ways:
            rows = (kinds == way).to(x.device)
            out = out.index_put((rows,), self._in_one_way(x[rows], level[rows], way))
        return out

    def _in_one_way(self, x: Tensor, level: Tensor, way: int) -> Tensor:
        """Rows that are done in one precision, the last bit, and in one position, the others."""
        fast, position = bool(way % 2), way // 2
        if not is_cut(x, self.tile):
            return self._in_chunks(x, level, fast, position)
        pieces = partial(self._in_chunks, level=level, fast=fast, position=0)
        return in_position(pieces, x, position)

    def _in_chunks(self, x: Tensor, level: Tensor, fast: bool, position: int) -> Tensor:
        """A few rows at a time, or, where one is large, a tile of one row at a time."""
        precision = torch.bfloat16 if fast else torch.float32
        network = _network(self.weights_for(x), x.device, precision)
        pixels = x.shape[-2] * x.shape[-1]
        rows = max(1, PIXELS_AT_ONCE // max(1, pixels))
        done = []
        single = x.float() if fast else x  # what is rounded to 8 bits does not depend on the 53rd
        for some, levels in zip(torch.split(single, rows), torch.split(level, rows), strict=True):
            denoise = partial(in_position, partial(network, sigma=levels), position=position)
            done.append(in_pieces(denoise, network, some, self.tile))
        return (done[0] if len(done) == 1 else torch.cat(done)).to(x.dtype)


@cache
def bfloat16_is_fast(device: torch.device) -> bool:
    """Whether convolutions in bfloat16 are much faster than in float32 on a device."""
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device)[0] >= 8
    if device.type != "cpu":
        return False
    names = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    return any(bool(getattr(torch.cpu, name, bool)()) for name in names)


@cache
def _network(weights: Weights, device: torch.device, precision: torch.dtype) -> Denoiser:
    with torch.inference_mode(False):  # for calls outside of it, too
        network = weights.load().to(device)
        for name, part in network.named_children():
            part.to(torch.float32 if name == "heads" else precision)  # see the module's docstring
    return network
