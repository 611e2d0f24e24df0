"""Checkpoints: bit-identical, atomic, safe to read, and never of another run."""

from __future__ import annotations

import json
import os
import pickle
import resource
import signal
import subprocess
import sys
import textwrap

import numpy as np
import pytest
import torch
from attrs import frozen
from safetensors import safe_open
from safetensors.torch import save_file

import invprob as ip

RUN = textwrap.dedent(
    """
    import os, signal, sys, torch, invprob as ip
    path, out, resume = sys.argv[1], sys.argv[2], sys.argv[3] == "resume"
    torch.set_num_threads(1)
    means = torch.rand(5, 1, 8, 8, generator=ip.generator(1))
    covariances = 0.01 * torch.eye(64).repeat(5, 1, 1)
    prior = ip.GaussianMixturePrior(torch.ones(5), means, covariances)
    mask = torch.rand(8, 8, generator=ip.generator(2)) < 0.3
    noise = ip.Gaussian(sigma=0.1, operator=ip.Mask(mask))
    y = noise.sample(means[:1], ip.generator(3))
    def killed(event):
        if event.step == int(sys.argv[4]):
            os.kill(os.getpid(), signal.SIGKILL)
    result = ip.solve(
        ip.Problem(prior, noise, y), ip.{solver}, samples=2, seed=4,
        callbacks=[ip.SaveEvery(3, path), killed], resume=path if resume else None,
    )
    torch.save(result.samples, out)
    """
)
SOLVERS = {"restart": "Restart()", "langevin": "AnnealedLangevin(levels=12, repeats=4)"}


def start(solver, path, out, mode, kill=-1):
    """A process of its own, which ends itself at a step."""
    source = RUN.replace("{solver}", SOLVERS[solver])
    return subprocess.Popen([sys.executable, "-c", source, str(path), str(out), mode, str(kill)])


@pytest.fixture(scope="module", params=SOLVERS)
def uninterrupted(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    assert start(request.param, folder / "a.ckpt", folder / "a.pt", "new").wait() == 0
    return request.param, torch.load(folder / "a.pt", weights_only=True)


def test_killed_at_several_points_a_resumed_run_is_bit_identical(uninterrupted, tmp_path):
    solver, expected = uninterrupted
    path, out = tmp_path / "run.ckpt", tmp_path / "out.pt"
    for kill, mode in ((4, "new"), (8, "resume"), (9, "resume")):
        assert start(solver, path, out, mode, kill).wait() == -signal.SIGKILL
    assert not out.exists()
    assert start(solver, path, out, mode).wait() == 0
    assert torch.equal(torch.load(out, weights_only=True), expected)


@pytest.fixture
def saved(problem, tmp_path):
    path = tmp_path / "run.ckpt"
    save = ip.SaveEvery(4, path)
    ip.solve(problem, ip.Restart(), samples=2, callbacks=[save], stop=lambda e: e.step == 6)
    return path


def resume(problem, path, solver=None, **options):
    options = {"samples": 2, "seed": 0, **options}
    return ip.solve(problem, solver or ip.Restart(), resume=path, **options)


@pytest.mark.parametrize("stop", [4, 5, 8])
def test_a_resumed_run_is_bit_identical(problem, tmp_path, stop):
    path = tmp_path / "run.ckpt"
    save = ip.SaveEvery(4, path)
    ip.solve(problem, ip.Restart(), samples=2, callbacks=[save], stop=lambda e: e.step == stop)
    whole = ip.solve(problem, ip.Restart(), samples=2)
    assert torch.equal(resume(problem, path).samples, whole.samples)


def test_a_finished_run_can_be_resumed(problem, tmp_path):
    path = tmp_path / "run.ckpt"
    whole = ip.solve(problem, ip.Restart(), samples=2, callbacks=[ip.SaveEvery(1000, path)])
    again = resume(problem, path)
    assert torch.equal(again.samples, whole.samples)
    assert again.history == ()


def test_another_run_is_refused_with_what_differs(problem, saved):
    other = ip.Problem(problem.prior, problem.likelihood, problem.y + 0.1)
    prior = ip.GaussianPrior(mean=torch.full((1, 4, 4), 0.5), sd=0.3)
    for match, call in {
        "its measurement is y of shape .*reads the same": lambda: resume(other, saved),
        "its number of samples is 2, yours is 3": lambda: resume(problem, saved, samples=3),
        "its seed is 0, yours is 1": lambda: resume(problem, saved, seed=1),
        "its solver is Restart.*yours is AnnealedLangevin": lambda: resume(
            problem, saved, ip.AnnealedLangevin()
        ),
        "its prior is": lambda: resume(ip.Problem(prior, problem.likelihood, problem.y), saved),
        r"its likelihood is Gaussian\(sigma=0.1\), yours is Gaussian\(sigma=0.2\)": lambda: resume(
            ip.Problem(problem.prior, ip.Gaussian(sigma=0.2), problem.y), saved
        ),
    }.items():
        with pytest.raises(ip.CheckpointError, match=match):
            call()


def test_another_version_is_refused(problem, saved, monkeypatch):
    monkeypatch.setattr("invprob.__version__", "9.9.9")
    with pytest.raises(ip.CheckpointError, match="written by invprob .* this is invprob 9.9.9"):
        resume(problem, saved)


def test_a_missing_file_is_named(problem, tmp_path):
    with pytest.raises(ip.CheckpointError, match="there is no checkpoint at .*none.ckpt"):
        resume(problem, tmp_path / "none.ckpt")


@pytest.mark.parametrize("share", [0.0, 0.01, 0.3, 0.99])
def test_a_truncated_file_is_refused(problem, saved, share):
    content = saved.read_bytes()
    saved.write_bytes(content[: int(share * len(content))])
    with pytest.raises(ip.CheckpointError, match="cut short"):
        resume(problem, saved)


class Trap:
    def __reduce__(self):
        return os.system, ("touch trapped",)


def test_nothing_is_ever_unpickled(problem, saved, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    saved.write_bytes(pickle.dumps(Trap()))
    with pytest.raises(ip.CheckpointError, match="no readable checkpoint"):
        resume(problem, saved)
    torch.save({"x": Trap()}, saved)
    with pytest.raises(ip.CheckpointError, match="no readable checkpoint"):
        resume(problem, saved)
    assert not (tmp_path / "trapped").exists()


def rewrite(path, change):
    with safe_open(str(path), framework="pt") as file:
        header = json.loads(file.metadata()["invprob"])
        tensors = {name: file.get_tensor(name) for name in file.keys()}
    change(header, tensors)
    save_file(tensors, path, {"invprob": json.dumps(header)})


HOSTILE = {
    "step": lambda header, tensors: header.update(step=10**6),
    "step of another type": lambda header, tensors: header.update(step="6"),
    "parts": lambda header, tensors: header.update(parts=[]),
    "numbers": lambda header, tensors: header.update(numbers={}),
    "numbers of another type": lambda header, tensors: header.update(
        numbers={name: "1" for name in header["numbers"]}
    ),
    "a tensor gone": lambda header, tensors: tensors.pop(sorted(tensors)[-1]),
    "a tensor reshaped": lambda header, tensors: tensors.update(
        {name: tensor.flatten() for name, tensor in tensors.items()}
    ),
    "a tensor of another type": lambda header, tensors: tensors.update(
        {name: tensor.half() for name, tensor in tensors.items() if name != "random"}
    ),
    "random gone": lambda header, tensors: tensors.pop("random"),
    "random empty": lambda header, tensors: tensors.update(
        random=tensors["random"][:, :8].clone()
    ),
    "random zero": lambda header, tensors: tensors.update(random=tensors["random"] * 0),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_refused(problem, saved, name):
    rewrite(saved, HOSTILE[name])
    with pytest.raises(ip.CheckpointError, match="damaged"):
        resume(problem, saved)


def test_a_file_of_something_else_is_refused(problem, saved):
    save_file({"weights": torch.zeros(2)}, saved)
    with pytest.raises(ip.CheckpointError, match="but no invprob checkpoint"):
        resume(problem, saved)


def test_a_full_disk_leaves_the_previous_checkpoint_and_the_run_alone(problem, saved):
    before = saved.read_bytes()
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
    try:
        with pytest.warns(ip.CheckpointWarning, match="the previous one is intact; the run goes"):
            result = ip.solve(
                problem, ip.Restart(), samples=2, callbacks=[ip.SaveEvery(1000, saved)]
            )
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
    assert saved.read_bytes() == before
    assert [path.name for path in saved.parent.iterdir()] == [saved.name]
    assert torch.equal(result.samples, ip.solve(problem, ip.Restart(), samples=2).samples)


def test_where_no_checkpoint_can_go_is_said_at_once(tmp_path):
    with pytest.raises(ip.InputError, match="no folder"):
        ip.SaveEvery(5, tmp_path / "not" / "there.ckpt")
    with pytest.raises(ip.InputError, match="can't be written: it is a folder"):
        ip.SaveEvery(5, tmp_path)
    with pytest.raises(ip.InputError, match="steps=0"):
        ip.SaveEvery(0, tmp_path / "run.ckpt")


def test_a_checkpoint_may_be_read_by_whom_other_files_may_be(problem, tmp_path):
    other = tmp_path / "other"
    other.touch()
    ip.solve(problem, ip.Restart(), callbacks=[ip.SaveEvery(50, tmp_path / "run.ckpt")])
    assert (tmp_path / "run.ckpt").stat().st_mode == other.stat().st_mode


@pytest.mark.parametrize("number", [np.float32, np.float64, torch.tensor])
def test_a_number_of_numpy_or_a_tensor_is_a_noise_level(problem, tmp_path, number):
    solver, path = ip.PnP(iterations=4, noise_level=number(0.3)), tmp_path / "run.ckpt"
    whole = ip.solve(problem, solver, callbacks=[ip.SaveEvery(1, path)])
    ip.solve(problem, solver, callbacks=[ip.SaveEvery(1, path)], stop=lambda e: e.step == 2)
    assert torch.equal(ip.solve(problem, solver, resume=path).samples, whole.samples)


@frozen(eq=False)
class Level:
    x: torch.Tensor
    sigma: float


@frozen
class Falling:
    """A solver whose noise level begins as a whole number, or as one of numpy's."""

    first: float
    needs = ip.Needs()
    stochastic = False

    def steps(self, problem, /):
        return 4

    def init(self, problem, streams, x0, /):
        return Level(problem.y, self.first)

    def step(self, problem, state, streams, /):
        sigma = state.sigma * type(state.sigma)(0.7) if state.sigma != 1 else 0.9
        return Level(state.x * float(sigma), sigma)

    def estimate(self, state, /):
        return state.x


@pytest.mark.parametrize("first", [1, np.float32(0.9), np.float64(0.9)])
def test_numbers_of_a_state_may_be_of_numpy_or_become_fractions(problem, tmp_path, first):
    path = tmp_path / "run.ckpt"
    whole = ip.solve(problem, Falling(first))
    save = ip.SaveEvery(2, path)
    ip.solve(problem, Falling(first), callbacks=[save], stop=lambda event: event.step == 2)
    assert torch.equal(ip.solve(problem, Falling(first), resume=path).x, whole.x)


def test_what_names_no_file_is_explained(problem):
    with pytest.raises(ip.InputError, match="resume=True: give the file of a checkpoint"):
        ip.solve(problem, ip.PnP(), resume=True)


def test_where_a_stop_rule_ends_a_run_it_is_saved(tmp_path):
    path, y = tmp_path / "run.ckpt", torch.rand(1, 1, 4, 4, generator=ip.generator(0))
    prior = ip.GaussianPrior(mean=torch.full((1, 4, 4), 0.5), sd=0.2)
    problem = ip.Problem(prior, ip.Gaussian(sigma=0.1), y)
    save = ip.SaveEvery(100, path)
    stopped = ip.solve(
        problem, ip.PnP(iterations=8), callbacks=[save], stop=lambda event: event.step == 5
    )
    assert not stopped.finished
    resumed = ip.solve(problem, ip.PnP(iterations=8), resume=path)
    assert len(resumed.history) == 3
    assert torch.equal(resumed.x, ip.solve(problem, ip.PnP(iterations=8)).x)
