import warnings
from itertools import pairwise

import attrs
import pytest
import torch

import invprob as ip

SAMPLERS = [ip.Restart(), ip.AnnealedLangevin(levels=6, repeats=2)]


@attrs.frozen(eq=False)
class State:
    x: torch.Tensor
    sigma: float = 0.25


@attrs.frozen
class Custom:
    """A solver that does what a test tells it to."""

    action: object = None
    length: int = 5
    needs = ip.Needs(prior=(ip.contracts.Denoises,))
    stochastic = False

    def steps(self, problem, /):
        return self.length

    def init(self, problem, streams, x0, /):
        return State(problem.y if x0 is None else x0)

    def step(self, problem, state, streams, /):
        return attrs.evolve(state, x=self.action(state.x) if self.action else state.x / 2)

    def estimate(self, state, /):
        return state.x


@pytest.mark.parametrize("solver", SAMPLERS)
def test_a_sample_does_not_depend_on_how_many_are_asked_for(problem, solver):
    many = ip.solve(problem, solver, samples=8, seed=0).samples
    few = ip.solve(problem, solver, samples=3, seed=0).samples
    assert many.shape == (8, 2, 1, 4, 4)
    torch.testing.assert_close(few, many[:3], rtol=1e-4, atol=1e-5)
    assert not torch.equal(many[0], many[1])


@pytest.mark.parametrize("solver", SAMPLERS)
def test_one_measurement_does_not_change_another_ones_samples(problem, solver):
    alone = ip.Problem(problem.prior, problem.likelihood, problem.y[:1])
    both = ip.solve(problem, solver, samples=2, seed=0).samples
    one = ip.solve(alone, solver, samples=2, seed=0).samples
    torch.testing.assert_close(one, both[:, :1], rtol=1e-4, atol=1e-5)


def test_the_seed_decides(problem):
    a, b, c = (ip.solve(problem, ip.Restart(), seed=seed).x for seed in (0, 0, 1))
    assert torch.equal(a, b)
    assert not torch.equal(a, c)


def test_a_result_tells_what_happened(problem):
    result = ip.solve(problem, ip.Restart(), samples=4)
    steps = ip.Restart().steps(problem)
    assert result.stopped == f"ran all {steps} steps"
    assert [record.step for record in result.history] == list(range(1, steps + 1))
    assert all(a.seconds <= b.seconds for a, b in pairwise(result.history))
    torch.testing.assert_close(result.mean, result.samples.mean(0))
    torch.testing.assert_close(result.x, result.mean)
    assert result.std.shape == problem.y.shape
    assert len(repr(result)) < 200


def test_the_history_says_how_far_each_step_moved(problem):
    result = ip.solve(problem, Custom())
    worst = problem.y.flatten(1).square().mean(1).max().sqrt()
    expected = [float(worst) / 2**step for step in range(1, 6)]
    assert [record.change for record in result.history] == pytest.approx(expected)
    assert result.change == pytest.approx(expected[-1])
    assert "last change" in str(result)


@pytest.mark.parametrize(
    "solver", [ip.ADMM(), ip.RED(100), ip.REDFixedPoint(100), ip.REDADMM(100)]
)
def test_methods_that_converge_bring_the_change_to_zero(problem, solver):
    """By RED and its kin sigma falls to the end, the more slowly the longer a run is."""
    history = ip.solve(problem, solver).history
    assert history[-1].change < 1e-3 < max(record.change for record in history)


def test_one_result_has_no_spread(problem):
    result = ip.solve(problem, ip.PnP())
    assert torch.equal(result.x, result.samples[0])
    with pytest.raises(ip.InputError, match="samples=8"):
        _ = result.std


def test_the_driver_records_no_gradient(problem):
    y = problem.y.clone().requires_grad_()
    result = ip.solve(ip.Problem(problem.prior, problem.likelihood, y), ip.PnP())
    assert not result.x.requires_grad


def test_a_stop_rule_ends_the_run_and_is_named(problem):
    result = ip.solve(problem, Custom(), stop=lambda event: event.step == 2)
    assert result.steps == 2
    assert "step 2 of 5" in result.stopped and not result.finished
    assert ip.solve(problem, Custom()).finished
    assert ip.solve(problem, Custom(), stop=lambda event: event.step == 5).finished
    torch.testing.assert_close(result.x, problem.y / 4)
    assert (
        "StopAfter(seconds=1e-09)" in ip.solve(problem, Custom(), stop=ip.StopAfter(1e-9)).stopped
    )
    assert ip.solve(problem, Custom(), stop=ip.StopAfter(3600)).finished
    event, minute = next(iter(ip.iterate(problem, Custom()))), ip.StopAfter(60)
    assert [minute(attrs.evolve(event, seconds=time)) for time in (59.9, 60.0)] == [False, True]


def test_callbacks_see_every_event_and_its_estimate(problem):
    seen = []
    ip.solve(problem, Custom(), callbacks=[lambda event: seen.append(event)])
    assert [event.step for event in seen] == [0, 1, 2, 3, 4, 5]
    torch.testing.assert_close(seen[3].estimate(), problem.y / 8)
    assert seen[0].sigma == 0.25


def test_iterate_refuses_at_the_call_and_not_later(problem):
    with pytest.raises(ip.InputError, match=r"x0 has shape \(1,\)"):
        ip.iterate(problem, Custom(), x0=torch.zeros(1))


def test_x0_starts_the_run(problem):
    x0 = torch.ones_like(problem.y)
    torch.testing.assert_close(ip.solve(problem, Custom(length=1), x0=x0).x, x0 / 2)
    with pytest.raises(ip.InputError, match="x0 must hold finite"):
        ip.solve(problem, Custom(), x0=x0 / 0)


def test_a_start_in_another_unit_is_refused():
    prior = ip.DenoiserPrior(lambda x, sigma: x, ip.Domain(unit_range=True))
    photo = ip.Problem(prior, ip.Gaussian(0.1), torch.rand(1, 1, 8, 8))
    with pytest.raises(ip.InputError, match="x0 has values up to 255.* divide it by the white"):
        ip.solve(photo, Custom(), x0=photo.y / photo.y.max() * 255)


def test_many_samples_of_a_deterministic_solver_are_refused(problem):
    with pytest.raises(ip.InputError, match=r"is deterministic.*Restart"):
        ip.solve(problem, ip.PnP(), samples=8)
    with pytest.raises(ip.InputError, match="samples=0"):
        ip.solve(problem, ip.Restart(), samples=0)
    assert ip.solve(problem, ip.PnP(), samples=1).samples.shape[0] == 1


def test_samples_where_no_sampler_accepts_the_parts_name_the_part_to_blame():
    prior, noise = ip.DenoiserPrior(lambda x, sigma: x), OnlyProx()
    problem = ip.Problem(prior, noise, torch.full((1, 1, 4, 4), 0.5))
    for solver in (None, ip.PnP()):
        with pytest.raises(ip.IncompatibleError, match="No installed sampler accepts") as refused:
            ip.solve(problem, solver, samples=3)
        lines = str(refused.value).splitlines()
        assert [line for line in lines if line.startswith("  - ")] == [lines[1]]
        assert lines[1].startswith("  - likelihood OnlyProx() is neither Spectral nor LocallyG")
        assert "One estimate, without samples, is possible: PnP" in lines[2]
        assert refused.value.typed.startswith("leave --samples out, with -s pnp")
    with pytest.raises(ip.IncompatibleError, match="No installed sampler accepts this") as refused:
        ip.solve(problem, ip.Restart(), samples=3)
    assert "PnP" not in str(refused.value)


class OnlyProx:
    def sample(self, x, generator, /):
        return x

    def prox(self, y, v, step, /):
        return y

    def __repr__(self):
        return "OnlyProx()"


def test_a_step_that_returns_nothing_is_named(problem):
    class Forgetful(Custom):
        def step(self, problem, state, streams, /):
            pass

    with pytest.raises(ip.InputError, match=r"`step` of .* returned None; it has to return"):
        ip.solve(problem, Forgetful())


@pytest.mark.parametrize("samples", [None, 2])
def test_a_measurement_alone_is_no_problem(problem, samples):
    for solver in (None, ip.PnP()):
        with pytest.raises(ip.InputError, match=r"a Tensor is no problem; .*Problem\(prior"):
            ip.solve(problem.y, solver, samples=samples)


def test_a_class_for_a_solver_is_explained(problem):
    with pytest.raises(ip.InputError, match=r"give an instance: PnP\(\)"):
        ip.solve(problem, ip.PnP)
    with pytest.raises(ip.InputError, match=r"order is solve\(problem, solver\)"):
        ip.solve(problem, problem.prior)


@pytest.mark.parametrize(
    ("action", "cause"),
    [
        (lambda x: x * 1e9, "step size is too large"),
        (lambda x: x * float("nan"), "returned such values"),
    ],
)
def test_values_that_are_not_finite_are_named(problem, action, cause, monkeypatch):
    monkeypatch.setattr("invprob.progress.INTERVAL", 0.0)
    with pytest.raises(ip.DivergenceError, match=rf"of 9, noise level sigma=0.25.*{cause}"):
        ip.solve(problem, Custom(action, length=9))


def test_the_step_is_named_and_the_last_sensible_estimate_is_kept(problem):
    x0 = torch.full_like(problem.y, 0.9)
    with pytest.raises(ip.DivergenceError, match=r"in step 1 of 5.* that of step 0") as caught:
        ip.solve(problem, Custom(lambda x: x / 0), x0=x0)
    assert torch.equal(caught.value.best, x0) and caught.value.step == 0
    growing = Custom(lambda x: x * (3 if float(x.max()) < 5 else 1e9), length=99)
    with pytest.raises(ip.DivergenceError, match=r"in step 7 of 99.* that of step 2") as caught:
        ip.solve(problem, growing, x0=x0)
    torch.testing.assert_close(caught.value.best, 9 * x0)
    assert caught.value.step == 2


def test_a_state_that_is_not_finite_behind_a_finite_estimate_is_found(problem):
    @attrs.frozen(eq=False)
    class Two:
        x: torch.Tensor
        hidden: torch.Tensor

    class Hidden(Custom):
        def init(self, problem, streams, x0, /):
            return Two(problem.y, problem.y)

        def step(self, problem, state, streams, /):
            return Two(state.x, state.hidden / 0)

    with pytest.raises(ip.DivergenceError, match="in or before step 5 of 5") as caught:
        ip.solve(problem, Hidden())
    assert torch.equal(caught.value.best, problem.y)


@pytest.mark.parametrize("solver", [ip.MAP(), ip.PnP(), ip.Restart()])
def test_a_run_can_be_stopped_before_its_first_step(problem, solver):
    result = ip.solve(problem, solver, stop=lambda event: True)
    assert result.steps == 0 and bool(torch.isfinite(result.x).all())


def test_progress_is_shown_on_request_only(problem, capsys):
    ip.solve(problem, Custom())
    assert capsys.readouterr().err == ""
    ip.solve(problem, Custom(), progress=True)
    assert "Custom" in capsys.readouterr().err


def test_ctrl_c_saves_and_says_how_to_go_on(problem, tmp_path):
    path = tmp_path / "run.ckpt"

    def interrupt(event):
        if event.step == 3:
            raise KeyboardInterrupt

    save = ip.SaveEvery(1000, path)
    with pytest.raises(
        KeyboardInterrupt, match=r"after step 3 of 5; go on with resume='.*run.ckpt'"
    ):
        ip.solve(problem, Custom(), callbacks=[interrupt, save])
    resumed = ip.solve(problem, Custom(), resume=path)
    assert [record.step for record in resumed.history] == [4, 5]
    assert torch.equal(resumed.x, ip.solve(problem, Custom()).x)
    with pytest.raises(KeyboardInterrupt, match="nothing was saved"):
        ip.solve(problem, Custom(), callbacks=[interrupt])


def test_nothing_warns(problem):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for solver in (*SAMPLERS, ip.PnP()):
            ip.solve(problem, solver)


def test_other_errors_of_a_step_are_left_alone(problem):
    def fail(x):
        raise RuntimeError("no memory left")

    with pytest.raises(RuntimeError, match="no memory left"):
        ip.solve(problem, Custom(fail))
