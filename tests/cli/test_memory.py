"""What is said of a run that takes much memory."""

import pytest
import torch

import invprob as ip
from invprob.cli import memory


def large(side=4000):
    y = torch.zeros(1, 1, 1, 1).expand(1, 3, side, side)  # one number in memory
    return ip.Problem(ip.DenoiserPrior(lambda x, sigma: x), ip.Gaussian(sigma=0.1), y)


def test_memory_is_said_of_large_runs_alone(monkeypatch):
    monkeypatch.setattr(memory, "memory_of_the_machine", lambda: 2**34)
    assert memory.what_it_takes(large(64), 8) == ""
    said = memory.what_it_takes(large(), 4)
    assert said == "4 samples of 16.0 megapixels: about 11.2 GiB of memory"


def test_more_than_the_machine_has_is_refused(monkeypatch):
    monkeypatch.setattr(memory, "memory_of_the_machine", lambda: 2**32)
    with pytest.raises(ip.InputError, match=r"the machine has 4.0 GiB; draw .* --samples 1"):
        memory.what_it_takes(large(), 4)
    assert "one image" in memory.what_it_takes(large(), None)
    monkeypatch.setattr(memory, "memory_of_the_machine", lambda: None)
    assert memory.what_it_takes(large(), 4)


def test_solve_asks_before_the_run(invprob, monkeypatch):
    monkeypatch.setattr(memory, "LARGE", 0)
    told = invprob("solve gray.png -l gaussian:sigma=0.1 --samples 2 -o x.png").stdout
    assert "2 samples of 0.0 megapixels: about 1.0 GiB" in told
    monkeypatch.setattr(memory, "memory_of_the_machine", lambda: 2**20)
    told = invprob("solve gray.png -l gaussian:sigma=0.1 --samples 2 -o z.png", code=2).stderr
    assert "the machine has 0.0 GiB" in told
