"""The sliced Wasserstein distance of sets whose distance is known, and of exact samples."""

import pytest
import torch

import invprob as ip
from invprob.diagnostics.wasserstein import exactness, sliced_wasserstein

F64 = torch.float64
MANY = 20_000
COVARIANCE = torch.tensor([[2.0, 0.6], [0.6, 0.5]], dtype=F64)


def normal(count, size, seed=0):
    return torch.randn(count, size, generator=ip.generator(seed), dtype=F64)


def test_a_shift_is_its_length_along_the_mean_direction():
    a, shift = normal(5, 3), torch.tensor([2.0, -1.0, 0.5], dtype=F64)
    found = sliced_wasserstein(a + shift, a, ip.generator(1), directions=MANY)
    assert float(found) == pytest.approx(float(shift.square().mean().sqrt()), rel=0.02)


def test_whitened_a_shift_is_measured_in_deviations():
    a, shift = normal(5, 2), torch.tensor([1.0, -2.0], dtype=F64)
    found = sliced_wasserstein(
        a + shift, a, ip.generator(1), covariance=COVARIANCE, directions=MANY
    )
    expected = float(shift @ torch.linalg.solve(COVARIANCE, shift)) / 2
    assert float(found) ** 2 == pytest.approx(expected, rel=0.03)


def test_in_one_dimension_order_does_not_matter_and_a_factor_is_known():
    a = normal(7, 1)
    assert float(sliced_wasserstein(a, a.flip(0), ip.generator(1))) == 0
    found = float(sliced_wasserstein(3 * a, a, ip.generator(1)))
    assert found == pytest.approx(2 * float(a.square().mean().sqrt()))


def test_exactness_is_the_ratio_of_distances():
    exact = ip.GaussianPrior.from_covariance(torch.zeros(2, dtype=F64), COVARIANCE)
    draw, shift = ip.generator(2), 0.5 * torch.ones(2, dtype=F64)
    samples = [exact.sample((100, 2), draw) for _ in range(12)]
    posteriors = [exact] * 12
    for whitened in (False, True):
        good, bad = (
            exactness([x + s for x in samples], posteriors, ip.generator(0), whitened=whitened)
            for s in (0, shift)
        )
        floor, own = [], COVARIANCE if whitened else torch.eye(2, dtype=F64)
        for seed, x in enumerate(samples):
            other, again = exact.sample((100, 2), draw), ip.generator(seed)
            size = sliced_wasserstein(x, other, again, covariance=own if whitened else None)
            floor.append(float(size) ** 2)
        moved = float(shift @ torch.linalg.solve(own, shift)) / 2
        assert good == pytest.approx(1, abs=0.2)
        assert bad == pytest.approx((1 + moved * 12 / sum(floor)) ** 0.5, rel=0.2)


@pytest.mark.parametrize("whitened", [False, True])
def test_directions_that_hardly_vary_count_when_whitened(whitened):
    exact = ip.GaussianPrior(mean=torch.zeros(2, dtype=F64), sd=torch.tensor([1.0, 0.01]))
    draw = ip.generator(3)
    samples = [
        exact.sample((200, 2), draw) * torch.tensor([1.0, 3.0], dtype=F64) for _ in range(8)
    ]
    found = exactness(samples, [exact] * 8, ip.generator(0), whitened=whitened)
    assert (found > 3) == whitened
    assert found < 1.5 or whitened


def test_what_does_not_fit_is_refused():
    a = normal(4, 2)
    for wrong in (a[:3], a[:, :1]):
        with pytest.raises(ip.InputError, match="with the same N"):
            sliced_wasserstein(a, wrong, ip.generator(0))
    with pytest.raises(ip.InputError, match="directions=0"):
        sliced_wasserstein(a, a, ip.generator(0), directions=0)
    exact = ip.GaussianPrior(mean=torch.zeros(2, dtype=F64), sd=1.0)
    for samples, references in (([a, a], 1), ([], 1), ([a], 0)):
        with pytest.raises(ip.InputError, match="one posterior for each set"):
            exactness(
                samples, [exact] * min(1, len(samples)), ip.generator(0), references=references
            )
