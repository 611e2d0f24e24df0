"""Split R-hat: 1 for chains of one distribution, above it for those that drift or disagree."""

import pytest
import torch

import invprob as ip
from invprob.diagnostics.chains import split_rhat


def chains(count=4, length=400, seed=0):
    return torch.randn(count, length, generator=ip.generator(seed), dtype=torch.float64)


def test_it_is_the_formula_on_half_chains():
    draws = chains(3, 10)
    halves = [half for chain in draws for half in (chain[:5], chain[5:])]
    within = sum(float(half.var()) for half in halves) / 6
    means = torch.stack([half.mean() for half in halves])
    pooled = 4 / 5 * within + float(means.var())
    assert float(split_rhat(draws)) == pytest.approx((pooled / within) ** 0.5)


def test_chains_of_one_distribution_agree():
    assert float(split_rhat(chains(4, 4000))) < 1.005
    assert split_rhat(torch.stack([chains(), chains(seed=1)], -1)).shape == (2,)


@pytest.mark.parametrize(
    "change", [lambda c: c + torch.arange(4.0)[:, None], lambda c: c + torch.linspace(0, 3, 400)]
)
def test_disagreement_and_drift_are_found(change):
    assert float(split_rhat(change(chains()))) > 1.2


def test_chains_that_stand_still():
    assert float(split_rhat(torch.ones(2, 8))) < 1
    assert float(split_rhat(torch.arange(2.0)[:, None].expand(2, 8))) == float("inf")


def test_too_few_draws_are_refused():
    with pytest.raises(ip.InputError, match="at least 8 draws"):
        split_rhat(chains(4, 7))


def test_broken_chains_do_not_agree():
    draws = chains()
    draws[0, 3] = torch.nan
    assert bool(split_rhat(draws).isnan())
