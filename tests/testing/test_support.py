"""The kit and measurements that can't be: a y that is refused is not judged, NaN is named."""

import math

import attrs
import pytest
import torch

import invprob as ip
from invprob.testing import CheckFailure, checks, run_check, subject
from invprob.testing.densities import density_fits_samples
from invprob.testing.support import log_prob_where_possible

CHECKS = {entry.name: entry for entry in checks()}


@attrs.frozen
class Open:
    """Log-normal noise whose density is NaN where y is not positive."""

    s: float = 0.4

    def sample(self, x, generator, /):
        n = torch.empty(x.shape, dtype=x.dtype).normal_(generator=generator)
        return x * (self.s * n).exp()

    def log_prob(self, y, x, /):
        n = (y / x).log() / self.s
        value = -n.square() / 2 - math.log(self.s) - math.log(math.tau) / 2 - y.log()
        return value.flatten(1).sum(1)


@attrs.frozen
class Refuses(Open):
    def check_measurement(self, y, /):
        if bool((y <= 0).any()):
            raise ip.InputError("y is positive")


@pytest.mark.parametrize("many", ["a_pixel", "an_image"])
def test_a_measurement_that_is_refused_is_not_judged(many):
    entry = CHECKS[f"log_prob_fits_the_measurements_of_{many}"]
    assert run_check(entry, subject(Refuses()))
    with pytest.raises(CheckFailure, match=r"NaN for y = .*-\d.*, x = 0\..*log_density is -inf"):
        run_check(entry, subject(Open()))


def test_strange_measurements_with_nan_are_told_the_convention():
    entry = CHECKS["strange_measurements_are_refused_or_harmless"]
    with pytest.raises(CheckFailure, match=r"-0\.5 has NaN; .*check_measurement\(y\) raises"):
        run_check(entry, subject(Open()))


def test_rows_are_refused_one_by_one():
    y = torch.tensor([1.0, -1.0, 2.0, 0.0, 3.0, -2.0, 0.5])[:, None]
    found = log_prob_where_possible(Refuses(), y, torch.ones_like(y))
    assert torch.equal(found == -torch.inf, y[:, 0] <= 0)
    kept = y[:, 0] > 0
    assert torch.equal(found[kept], Open().log_prob(y[kept], torch.ones_like(y[kept])).double())


def test_a_prior_that_is_nan_is_told_where():
    samples = torch.rand(2000, 2, generator=ip.generator(0), dtype=torch.float64)

    def log_prob(x):
        return torch.where((x > 0).all(1), 0.0, torch.nan)

    with pytest.raises(CheckFailure, match=r"the logarithm of p is NaN at .*-\d"):
        density_fits_samples(log_prob, samples, ip.generator(1), "p")
