"""What the kit says, and how: reports, pytest, with and without hypothesis."""

from __future__ import annotations

import attrs
import pytest
import torch
from planted_inference_bugs import BUGS as INFERENCE_BUGS
from planted_prior_bugs import Windows
from small_parts import Gamma, Poisson, planted

import invprob as ip
from invprob.contracts import Domain, Proximal
from invprob.errors import InputError
from invprob.testing import (
    CheckFailure,
    Skip,
    checks,
    close,
    conforms,
    parametrize,
    run_check,
    subject,
)
from invprob.testing.reference import WhiteNoise

CHECKS = {entry.name: entry for entry in checks()}


@attrs.frozen
class Tired(WhiteNoise):
    def withdrawn(self):
        return {Proximal: "it has been a long day"}


def test_a_report_is_true_for_a_sound_part_and_shows_a_table(capsys):
    report = conforms(Poisson(), examples=2)
    assert report
    assert not report.failed
    printed = capsys.readouterr().out
    assert printed.strip() == str(report)
    assert printed.startswith("likelihood Poisson(peak=20.0)\n")
    assert "log_prob_fits_the_measurements_of_a_pixel" in report.passed
    assert "not Proximal" in printed
    assert f"{len(report.passed)} passed, 0 failed" in printed


def test_a_report_is_false_and_says_what_is_wrong():
    part, name = INFERENCE_BUGS["sign of grad_x"]
    report = conforms(part, examples=2)
    assert not report
    assert name in report.failed
    (outcome,) = (o for o in report.outcomes if o.check == name)
    assert "grad_x(y, x) = ∇ₓ log p(y | x)" in outcome.detail
    assert "was expected" in outcome.detail
    assert "Case(seed=" in outcome.detail


def test_a_withdrawn_capability_is_skipped_with_its_reason():
    report = conforms(Tired(), examples=1)
    assert report
    assert {"prox_can_not_be_improved", "prox_of_a_tiny_step_stays"} <= set(report.skipped)
    assert "it has been a long day" in str(report)


def test_what_a_part_raises_is_a_failure_and_not_a_crash():
    def broken(self, y, x, /):
        raise ZeroDivisionError("sigma was 0")

    report = conforms(planted(WhiteNoise(), grad_x=broken), examples=1)
    assert "grad_x_has_mean_zero" in report.failed
    line = broken.__code__.co_firstlineno + 1
    place = f"raised ZeroDivisionError: sigma was 0, at test_kit.py:{line}, in broken"
    assert place in str(report)


def test_a_failure_shrinks_to_a_small_case():
    part = planted(Gamma(), grad_x=lambda self, y, x, /: 2 * Gamma.grad_x(self, y, x))
    with pytest.raises(CheckFailure, match=r"Case\(seed=0, shape=\(1, 8, 8\), batch=1\)"):
        run_check(CHECKS["grad_x_is_the_gradient_of_log_prob"], subject(part), seed=5)


def test_a_part_that_is_not_reproducible_is_a_failure_too():
    part = planted(WhiteNoise(), grad_x=lambda self, y, x, /: (y - x) * torch.rand(()) / 0.09)
    assert "the_same_again" in conforms(part, examples=5).failed


def test_the_same_seed_gives_the_same_report():
    assert conforms(Gamma(), seed=3) == conforms(Gamma(), seed=3)


def test_without_hypothesis_fixed_seeds_are_used(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert conforms(WhiteNoise(), examples=3)
    part, name = INFERENCE_BUGS["no half in the prox"]
    assert name in conforms(part, examples=3).failed


class Unfinished(WhiteNoise):
    """Noise whose author went home."""

    def sample(self, x, generator, /):
        return unfinished  # noqa: F821


class Foreign(WhiteNoise):
    """Noise in numpy."""

    def sample(self, x, generator, /):
        return WhiteNoise.sample(self, x, generator).numpy()


@pytest.mark.parametrize(
    ("part", "given", "message"),
    [
        (WhiteNoise, {}, r"WhiteNoise is a class; give an instance: WhiteNoise\("),
        (Unfinished(), {}, "sample.* raised NameError: name 'unfinished' is not defined"),
        (Foreign(), {}, "gives a ndarray, not a torch.Tensor"),
        (ip.Mask(torch.ones(4, 4)), {"shape": (1, 5, 5)}, "takes no images of shape .* does not"),
        (WhiteNoise(), {"shape": 8}, "image_shape=8"),
        (WhiteNoise(), {"images": (0.9, 0.1)}, r"images=\(0.9, 0.1\)"),
        (WhiteNoise(), {"examples": 0}, "examples=0"),
    ],
)
def test_what_can_not_be_asked_is_said_before_anything_is(part, given, message):
    with pytest.raises(InputError, match=message):
        conforms(part, **given)


def test_a_failure_is_told_once():
    def prox(self, y, v, /):
        return v

    report = conforms(planted(WhiteNoise(), prox=prox), examples=1)
    assert len(report.failed) > 3
    assert str(report).count("raised TypeError") == 1
    assert f"{report.failed[1]}" in str(report) and f"as {report.failed[0]}" in str(report)


@parametrize(Poisson(), lambda: Gamma(a=4.0), examples=2)
def test_parametrize_makes_one_test_of_each_check(check):
    check()


def test_parametrize_names_its_tests():
    names = [case.id for case in parametrize(Poisson()).args[1]]
    assert "Poisson(peak=20.0)-log_prob_fits_the_measurements_of_a_pixel" in names


def test_parametrize_skips_with_the_reason():
    tests = {case.id.rpartition("-")[2]: case.values[0] for case in parametrize(Tired()).args[1]}
    with pytest.raises(pytest.skip.Exception, match="long day"):
        tests["prox_can_not_be_improved"]()


def test_parametrize_wants_parts():
    with pytest.raises(InputError, match="at least one part"):
        parametrize()


def test_a_skip_names_its_reason():
    with pytest.raises(Skip, match="not Proximal"):
        run_check(CHECKS["prox_can_not_be_improved"], subject(Gamma()))


def test_close_refuses_nan_and_names_the_place():
    one = torch.tensor([[1.0, 2.0], [3.0, float("nan")]])
    with pytest.raises(CheckFailure, match=r"index \(1, 1\)"):
        close(one, torch.tensor([[1.0, 2.0], [3.0, 4.0]]), 1e-3, "it")
    with pytest.raises(CheckFailure, match="shape"):
        close(one, torch.ones(3), 1e-3, "it")
    assert str(close(torch.ones(2) + 1e-6, torch.ones(2), 1e-3, "it")).endswith("of 1e-03")


@attrs.frozen
class Silent:
    def sample(self, x, generator, /):
        return x.clone()


def test_a_measurement_without_noise_is_not_called_irreproducible():
    report = conforms(Silent(), examples=2)
    assert report
    assert "measurements_depend_on_the_generator_alone" in report.skipped


@attrs.frozen
class Undecided(WhiteNoise):
    def withdrawn(self):
        raise RuntimeError("ask me tomorrow")


def test_an_error_in_withdrawn_is_a_failure_and_not_a_crash():
    report = conforms(Undecided(), examples=1)
    assert "prox_can_not_be_improved" in report.failed
    assert "ask me tomorrow" in str(report)


@pytest.mark.parametrize(
    ("part", "note"),
    [
        (Windows(blind=True), "does not depend on sigma"),
        (planted(Windows(), denoise=lambda self, x, s, /: variance(x, s)), "not a variance"),
    ],
)
def test_how_much_noise_a_mild_denoiser_takes_away_is_a_note(part, note):
    with pytest.raises(Skip, match=note):
        run_check(CHECKS["noise_is_taken_away"], subject(part))


def variance(x, sigma):
    return Windows().denoise(x, sigma.square())


def test_a_denoiser_for_one_level_says_so():
    part = planted(Windows(blind=True), domain=lambda self: Domain(sigma=(0.1, 0.1)))
    assert run_check(CHECKS["little_noise_is_little_change"], subject(part))
    assert run_check(CHECKS["noise_is_taken_away"], subject(part))


class Plain:
    """A denoiser without a repr."""

    def denoise(self, x, sigma, /):
        return Windows().denoise(x, sigma)


def test_what_a_beginner_writes_conforms_with_advice(capsys):
    report = conforms(Plain(), examples=1)
    assert report
    assert {"repr_is_short", "is_frozen"} <= set(report.skipped)
    assert "it has no __repr__ and shows as <test_kit.Plain object>" in str(report)
    assert "@attrs.frozen is recommended" in str(report)


def test_a_lambda_can_not_be_pickled_and_conforms_with_advice():
    report = conforms(ip.DenoiserPrior(lambda x, sigma: Windows().denoise(x, sigma)), examples=1)
    assert report
    assert "survives_pickling" in report.skipped
    assert "recommended is a function or class defined at the top of a module" in str(report)
