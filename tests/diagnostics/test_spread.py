"""The error of a mean over what the samples' spread promises; the ranked probability score."""

import math

import pytest
import torch

import invprob as ip
from invprob.diagnostics.calibration import rank

COUNT = 5
DRAWS = torch.randn(COUNT + 1, 4000, 3, generator=ip.generator(0))
SAMPLES, TRUTH = DRAWS[1:], DRAWS[0]


@pytest.mark.parametrize("width", [0.25, 1.0, 3.0])
@pytest.mark.parametrize("bias", [0.0, 0.7])
def test_it_is_what_normal_samples_of_that_width_and_bias_have(width, bias):
    error = 1 + bias**2 + width**2 / COUNT
    expected = (error / (width**2 * (1 + 1 / COUNT))) ** 0.5
    found = ip.error_over_spread(width * SAMPLES + bias, TRUTH)
    assert found == pytest.approx(expected, rel=0.02)


def test_pixels_of_other_sizes_count_with_their_variance():
    scale = torch.tensor([0.01, 1.0, 5.0])
    assert ip.error_over_spread(scale * SAMPLES, scale * TRUTH) == pytest.approx(1, abs=0.03)


def test_a_calibration_says_it_whatever_is_ranked():
    half = rank(SAMPLES / 2, TRUTH, ip.generator(0), numbers=lambda x: x[:, :1])
    assert half.error_over_spread == ip.error_over_spread(SAMPLES / 2, TRUTH)
    assert f"error over spread {half.error_over_spread:.2f}" in str(half)


@pytest.mark.parametrize("samples", [SAMPLES[:1], SAMPLES[:1].expand(3, -1, -1)])
def test_it_says_nothing_of_samples_without_spread(samples):
    found = rank(samples, TRUTH, ip.generator(0))
    assert found.error_over_spread is None
    assert "spread" not in str(found)
    with pytest.raises(ip.InputError, match="spread"):
        ip.error_over_spread(samples, TRUTH)


@pytest.mark.parametrize("width", [0.25, 1.0, 3.0])
@pytest.mark.parametrize("bias", [0.0, 0.7])
def test_the_ranked_probability_score_is_that_of_normal_laws(width, bias):
    apart = math.sqrt(1 + width**2)  # of a sample and the truth; E |X - x| is a folded normal's
    away = apart * math.sqrt(2 / math.pi) * math.exp(-((bias / apart) ** 2) / 2)
    away += bias * math.erf(bias / apart / math.sqrt(2))
    found = ip.crps(width * SAMPLES + bias, TRUTH)
    assert found == pytest.approx(away - width / math.sqrt(math.pi), rel=0.03)


@pytest.mark.parametrize("count", [2, 3, 5])
def test_it_is_the_mean_over_pairs_of_different_samples(count):
    few = SAMPLES[:count].double()
    pairs = [(few[i] - few[j]).abs().mean() for i in range(count) for j in range(i)]
    expected = (few - TRUTH).abs().mean() - torch.stack(pairs).mean() / 2
    assert ip.crps(SAMPLES[:count], TRUTH) == pytest.approx(float(expected), rel=1e-6)
    with pytest.raises(ip.InputError, match="one sample has no spread"):
        ip.crps(SAMPLES[:1], TRUTH)


def test_shapes_that_do_not_belong_together_are_refused():
    with pytest.raises(ip.InputError, match=r"give \(L, B, \*image\)"):
        ip.error_over_spread(SAMPLES[:, :7], TRUTH)
