"""Photos that training is tested on."""

import torch
from torch import Generator


def photo(channels, height, width, seed):
    rough = torch.rand(channels, height, width, generator=Generator().manual_seed(seed))
    smooth = rough.cumsum(1).cumsum(2)
    return (255 * smooth / smooth.amax((1, 2), keepdim=True)).to(torch.uint8)


PHOTOS = [photo(3, 64, 70, 0), photo(1, 50, 50, 1), photo(3, 80, 40, 2)]
