"""What the kit advises of denoisers that are right in one sense and not in another."""

from __future__ import annotations

import copy
import functools
import io
import itertools

import pytest
import torch
from planted_prior_bugs import Windows
from small_parts import planted

import invprob as ip
from invprob.contracts import Domain
from invprob.testing import CheckFailure, Skip, checks, conforms, run_check, subject
from invprob.testing.reference import WhiteNoise

CHECKS = {entry.name: entry for entry in checks()}


def test_a_domain_that_may_be_in_grey_levels_is_worth_a_look():
    for least, part in ((1.0, "if these are grey levels"), (0.6, "recommended to look")):
        prior = ip.DenoiserPrior(Windows().denoise, Domain(sigma=(least, 50.0)))
        with pytest.raises(Skip, match=part):
            run_check(CHECKS["levels_are_those_of_images"], subject(prior))
    sound = ip.DenoiserPrior(Windows().denoise, Domain(sigma=(0.05, 0.5)))
    assert run_check(CHECKS["levels_are_those_of_images"], subject(sound))


SHARED = torch.nn.Sequential(torch.nn.Conv2d(1, 1, 1), torch.nn.BatchNorm2d(1)).double().eval()


class OfNetwork:
    """A denoiser whose network is found by its device."""

    def __init__(self, network):
        self.network = network

    def denoise(self, x, sigma, /):
        return self.network(x.device)(x)


def test_a_shared_network_that_is_moved_comes_back_and_is_worth_a_look():
    x, whom = torch.rand(1, 1, 4, 4).double(), subject(OfNetwork(SHARED.to), shape=(1, 8, 8))
    before = SHARED(x)
    with pytest.raises(Skip, match="it moves a network .*BatchNorm2d, Conv2d.* functools.cache"):
        run_check(CHECKS["constants_follow_the_device"], whom)
    assert torch.equal(SHARED(x), before)


@functools.cache
def made_for(device):
    return copy.deepcopy(SHARED).to(device)


def test_one_network_for_each_device_is_what_is_asked_for():
    whom = subject(OfNetwork(made_for), shape=(1, 8, 8))
    for _ in range(2):  # the one on torch's `meta` stays there
        assert run_check(CHECKS["constants_follow_the_device"], whom)
    assert next(made_for(torch.device("meta")).parameters()).is_meta


def test_a_network_of_gray_images_is_told_to_say_so():
    def gray(x, sigma, /):
        return torch.conv2d(x, x.new_full((1, 1, 3, 3), 1 / 9), padding=1)

    check = CHECKS["denoised_images_have_the_promised_form"]
    with pytest.raises(
        CheckFailure, match=r"test_advice.py:\d+, in gray; .*Domain\(channels=\(1,\)"
    ):
        run_check(check, subject(ip.DenoiserPrior(gray), shape=(3, 8, 8)), examples=1)
    with pytest.raises(CheckFailure) as refused:
        run_check(check, subject(ip.DenoiserPrior(gray), shape=(2, 8, 8)), examples=1)
    assert "Domain" not in str(refused.value)


def test_an_answer_that_asks_for_a_gradient_is_worth_a_look():
    weight = torch.ones((), dtype=torch.float64, requires_grad=True)
    part = ip.DenoiserPrior(lambda x, sigma: weight * Windows().denoise(x, sigma))
    with pytest.raises(Skip, match="denoise answers with requires_grad=True"):
        run_check(CHECKS["answers_need_no_gradient"], subject(part))
    assert run_check(CHECKS["answers_need_no_gradient"], subject(Windows()))


def test_the_time_of_a_slow_call_is_told(monkeypatch):
    seconds = itertools.count(0, 1.5)
    monkeypatch.setattr("time.perf_counter", lambda: next(seconds))
    with pytest.raises(Skip, match=r"denoise took 1.5 s for 2 images of shape \(1, 8, 8\)"):
        run_check(CHECKS["no_call_takes_long"], subject(Windows()))


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_a_failure_is_printed_where_there_are_no_letters_for_it(monkeypatch, encoding):
    def grad_x(self, y, x, /):
        return x

    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    monkeypatch.setattr("sys.stdout", stream)
    report = conforms(planted(WhiteNoise(), grad_x=grad_x), examples=1)
    stream.flush()
    assert "\u2207" in str(report)  # a nabla
    assert "grad_x(y, x) = ?" in stream.buffer.getvalue().decode(encoding)
