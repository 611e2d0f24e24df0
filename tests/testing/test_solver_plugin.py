"""The plugin that brings solvers: DPS and PiGDM."""

import importlib.util
import math
import sys
from pathlib import Path

import pytest
import torch

import invprob as ip
from invprob.testing import conforms, parametrize

FILE = Path(__file__).parents[2] / "plugins" / "invprob-dps" / "invprob_dps.py"
F64 = torch.float64


def load():
    """The module, as if it were installed: pickling finds its classes by name."""
    spec = importlib.util.spec_from_file_location("invprob_dps", FILE)
    module = importlib.util.module_from_spec(spec)
    sys.modules["invprob_dps"] = module
    spec.loader.exec_module(module)
    return module


dps = load()
PRIOR = ip.GaussianPrior(mean=torch.full((1, 6, 6), 0.5, dtype=F64), sd=0.2)


@parametrize(dps.PiGDM(100), examples=3)
def test_pigdm_conforms(check):
    check()


def test_the_kit_tells_dps_apart(capsys):
    """Its samples are farther from the posterior mean than those of the posterior."""
    assert conforms(dps.DPS(100)).failed == ("a_full_run_is_as_near_as_a_sample",)
    assert "the distance from E[x | y] is" in capsys.readouterr().out


def test_it_contributes_its_components():
    names = {component.name: component for component in dps.invprob_components()}
    assert {component.kind for component in names.values()} == {"solver"}
    assert names["dps"].factory is dps.DPS and names["pigdm"].factory is dps.PiGDM


def drawn(solver):
    """Samples of one measurement with noise of 0.1, and the posterior's deviation."""
    noise = ip.Gaussian(sigma=0.1)
    y = noise.sample(PRIOR.sample((1, 1, 6, 6), ip.generator(0)), ip.generator(1))
    samples = ip.solve(ip.Problem(PRIOR, noise, y), solver, samples=200).samples[:, 0]
    return samples, PRIOR.posterior(noise, y).mean, 1 / math.sqrt(1 / 0.2**2 + 1 / 0.1**2)


@pytest.mark.parametrize("sigma_max", [1.0, math.inf])
def test_pigdm_is_nearly_exact_where_pixels_are_independent_and_normal(sigma_max):
    samples, mean, deviation = drawn(dps.PiGDM(400, sigma_max=sigma_max))
    assert float((samples.mean(0) - mean).square().mean().sqrt()) < 0.12 * deviation
    assert float(samples.std(0).mean()) == pytest.approx(deviation, rel=0.08)


def test_dps_is_not():
    samples, _, deviation = drawn(dps.DPS(400, 0.3, sigma_max=math.inf))
    assert float(samples.std(0).mean()) < 0.5 * deviation


def test_the_levels_are_those_of_the_schedule_within_what_the_prior_denoises():
    prior = ip.DenoiserPrior(lambda x, sigma: x / (1 + sigma**2), ip.Domain(sigma=(0.02, 0.8)))
    asked = ip.Problem(prior, ip.Gaussian(0.1), torch.rand(1, 1, 4, 4))
    levels = dps.DPS(10).levels(asked)
    assert len(levels) == 11 and float(levels[-1]) == 0
    assert bool((levels.diff() < 0).all())
    assert 0.75 < float(levels[0]) <= 0.8 and 0.02 <= float(levels[-2]) < 0.025
    assert float(dps.DPS(10, sigma_max=0.5).levels(asked)[0]) <= 0.5


def test_a_denoiser_without_a_gradient_is_refused_with_what_needs_none():
    prior = ip.DenoiserPrior(lambda x, sigma: x.detach().clone())
    asked = ip.Problem(prior, ip.Gaussian(0.1), torch.rand(1, 1, 4, 4))
    with pytest.raises(ip.InputError, match=r"without a gradient, which DPS.*Restart"):
        ip.solve(asked, dps.DPS(10))


def test_a_prior_for_no_level_of_the_schedule_is_refused():
    prior = ip.DenoiserPrior(lambda x, sigma: x, ip.Domain(sigma=(0.001, 0.002)))
    asked = ip.Problem(prior, ip.Gaussian(0.1), torch.rand(1, 1, 4, 4))
    with pytest.raises(ip.InputError, match="the schedule has levels from 0.005 to"):
        ip.solve(asked, dps.DPS(10))
