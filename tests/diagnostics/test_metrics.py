"""PSNR and SSIM: the formulas pixel by pixel, and what is no tensor of images."""

import math

import pytest
import torch

import invprob as ip

F64 = torch.float64


def images(count=2, channels=2, seed=0):
    shape = (count, channels, 13, 14)
    return torch.rand(shape, generator=ip.generator(seed), dtype=F64)


def structure(x, reference, peak):
    """SSIM of two planes, window by window, from weighted sums."""
    offset = torch.arange(-5.0, 6.0, dtype=F64)
    line = (-offset.square() / (2 * 1.5**2)).exp()
    weight = line[:, None] * line / line.sum() ** 2
    c1, c2 = (0.01 * peak) ** 2, (0.03 * peak) ** 2
    found = []
    for row in range(x.shape[0] - 10):
        for column in range(x.shape[1] - 10):
            a, b = (part[row : row + 11, column : column + 11] for part in (x, reference))
            m_a, m_b = (weight * a).sum(), (weight * b).sum()
            v_a, v_b = (weight * (a - m_a) ** 2).sum(), (weight * (b - m_b) ** 2).sum()
            both = (weight * (a - m_a) * (b - m_b)).sum()
            found.append(
                (2 * m_a * m_b + c1)
                * (2 * both + c2)
                / ((m_a**2 + m_b**2 + c1) * (v_a + v_b + c2))
            )
    return float(torch.stack(found).mean())


@pytest.mark.parametrize("peak", [1.0, 4.0])
def test_psnr_is_the_peak_over_the_error_of_a_row(peak):
    reference = images()
    error = torch.tensor([0.1, 0.02], dtype=F64)
    sign = torch.where(images(seed=1) > 0.5, 1.0, -1.0)
    found = ip.psnr(reference + error.view(2, 1, 1, 1) * sign, reference, peak=peak)
    assert found.tolist() == pytest.approx([20 * math.log10(peak / e) for e in (0.1, 0.02)])
    assert float(ip.psnr(reference, reference)[0]) == math.inf


@pytest.mark.parametrize("peak", [1.0, 0.2])
def test_ssim_is_the_formula_in_every_window(peak):
    reference = images()
    x = 0.1 + 0.7 * reference + 0.1 * images(seed=1)
    expected = [
        sum(structure(a, b, peak) for a, b in zip(one, other, strict=True)) / 2
        for one, other in zip(x, reference, strict=True)
    ]
    assert ip.ssim(x, reference, peak=peak).tolist() == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("metric", [ip.psnr, ip.ssim])
def test_one_reference_serves_a_batch(metric):
    x, reference = images(3), images(1, seed=1)
    alone = torch.cat([metric(row[None], reference) for row in x])
    torch.testing.assert_close(metric(x, reference), alone)
    with pytest.raises(ip.InputError, match="one reference may serve a whole batch"):
        metric(x, images(2))
    with pytest.raises(ip.InputError, match="peak=0"):
        metric(x, x, peak=0)


def test_what_has_no_window_is_refused():
    x = images()
    for small in (x[..., :10], x[..., :10, :], x[0]):
        with pytest.raises(ip.InputError, match="windows of 11x11"):
            ip.ssim(small, small)


@pytest.mark.parametrize("metric", [ip.psnr, ip.ssim])
def test_arrays_and_8_bit_pixels_are_told_how_to_be_images(metric):
    x = torch.rand(1, 1, 16, 16, generator=ip.generator(0))
    with pytest.raises(ip.InputError, match=r"x is ndarray; .* torch.as_tensor\(x\)"):
        metric(x.numpy(), x.numpy())
    with pytest.raises(ip.InputError, match=r"reference is ndarray"):
        metric(x, x.numpy())
    with pytest.raises(ip.InputError, match=r"x is torch.uint8; .* x.float\(\) / 255"):
        metric((255 * x).byte(), x)
