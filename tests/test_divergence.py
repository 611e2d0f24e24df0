"""Runs that end at numbers which are finite, and no image."""

import attrs
import pytest
import torch

import invprob as ip


@attrs.frozen(eq=False)
class State:
    x: torch.Tensor


@attrs.frozen
class Grows:
    """A solver that multiplies the image by a factor at each step."""

    factor: float
    length: int = 4
    needs = ip.Needs()
    stochastic = False

    def steps(self, problem, /):
        return self.length

    def init(self, problem, streams, x0, /):
        return State(problem.y if x0 is None else x0)

    def step(self, problem, state, streams, /):
        return State(state.x * self.factor)

    def estimate(self, state, /):
        return state.x


@attrs.frozen
class Shift:
    """An operator from outside, right as it is."""

    def forward(self, x, /):
        return x.roll(1, -1)

    def adjoint(self, y, /):
        return y.roll(-1, -1)

    def out_shape(self, shape, /):
        return shape


def problem(operator=None, level=1.0, mean=0.5):
    prior = ip.GaussianPrior(mean=torch.full((1, 4, 4), mean), sd=0.2)
    noise = ip.Gaussian(0.1) if operator is None else ip.Gaussian(0.1, operator)
    return ip.Problem(prior, noise, torch.full((1, 1, 4, 4), level))


def test_a_run_that_ends_far_beyond_images_is_an_error_and_keeps_the_best():
    with pytest.raises(ip.DivergenceError, match=r"after step 4 of 4, at values up to 1.0e\+04"):
        ip.solve(problem(), Grows(10.0))
    with pytest.raises(ip.DivergenceError, match="step size is too large.*that of step 1") as run:
        ip.solve(problem(), Grows(10.0))
    assert run.value.step == 1 and float(run.value.best.max()) == 10


def test_it_is_the_end_that_counts():
    def back(event):
        event.state.x.clamp_(max=1) if event.step == 3 else None

    assert ip.solve(problem(), Grows(30.0), callbacks=[back]).steps == 4
    assert ip.solve(problem(), Grows(10.0), stop=lambda event: event.step == 3).steps == 3


@pytest.mark.parametrize(
    ("where", "start"), [({"level": 100.0}, 1.0), ({"mean": 100.0}, 1.0), ({}, 100.0)]
)
def test_bright_data_images_and_starts_are_no_divergence(where, start):
    solver, x0 = Grows(1e4 / start, length=1), torch.full((1, 1, 4, 4), start)
    assert float(ip.solve(problem(**where), solver, x0=x0).x.max()) == 1e4
    with pytest.raises(ip.DivergenceError):
        ip.solve(problem(**where), Grows(1.1e5 / start, length=1), x0=x0)


@pytest.mark.parametrize(
    "inside", [Shift(), ip.Compose(ip.CircularBlur.named("uniform3"), Shift())]
)
def test_the_adjoint_of_ones_own_operator_is_suspected(inside):
    with pytest.raises(ip.DivergenceError, match=r"the adjoint of .*Shift\(\).* is not that of"):
        ip.solve(problem(inside), Grows(1e9))
    with pytest.raises(ip.DivergenceError, match=r"grown to .* the adjoint of .*Shift\(\)"):
        ip.solve(problem(inside), Grows(1e9, length=9))
    with pytest.raises(ip.DivergenceError) as plain:
        ip.solve(problem(ip.CircularBlur.named("uniform3")), Grows(1e9))
    assert "adjoint" not in str(plain.value)
