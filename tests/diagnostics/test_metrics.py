"""PSNR and SSIM of what is no tensor of images."""

import pytest
import torch

import invprob as ip


@pytest.mark.parametrize("metric", [ip.psnr, ip.ssim])
def test_arrays_and_8_bit_pixels_are_told_how_to_be_images(metric):
    x = torch.rand(1, 1, 16, 16, generator=ip.generator(0))
    with pytest.raises(ip.InputError, match=r"x is ndarray; .* torch.as_tensor\(x\)"):
        metric(x.numpy(), x.numpy())
    with pytest.raises(ip.InputError, match=r"reference is ndarray"):
        metric(x, x.numpy())
    with pytest.raises(ip.InputError, match=r"x is torch.uint8; .* x.float\(\) / 255"):
        metric((255 * x).byte(), x)
