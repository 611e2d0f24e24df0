"""What the driver promises holds for each of these solvers: resuming, batching, types, seeds."""

import attrs
import pytest
import torch
from gaussians import NOISES, SHAPE, measured

import invprob as ip
from invprob.checkpoint import save_checkpoint

SOLVERS = {
    "map": ip.MAP(iterations=12, patience=3),
    "red": ip.RED(iterations=8),
    "red-fixed-point": ip.REDFixedPoint(iterations=8),
    "red-admm": ip.REDADMM(iterations=8),
    "admm": ip.ADMM(iterations=8),
    "proximal-gradient": ip.ProximalGradient(iterations=8),
    "score-equation": ip.ScoreEquation(sweeps=4),
    "ddrm": ip.DDRM(calls=8),
    "restart": ip.Restart(calls=60),
    "split-gibbs": ip.SplitGibbs(calls=20),
    "annealed-langevin": ip.AnnealedLangevin(levels=4, repeats=2),
    "pnp": ip.PnP(iterations=8),
    "kadkhodaie-simoncelli": ip.KadkhodaieSimoncelli(calls=12, beta=0.9, first_step=1.0),
    "prior-sampling": ip.PriorSampling(calls=8),
}


def problem_for(name: str, rows: int = 3) -> ip.Problem:
    if name == "prior-sampling":
        prior = measured(NOISES["denoising"]).prior
        return ip.Problem(prior, ip.Unobserved(), torch.zeros(rows, *SHAPE, dtype=torch.float64))
    if name == "score-equation":
        problem = measured(NOISES["denoising"], rows)
        prior = ip.MeasuredPrior(lambda y: (0.5 - y) / 0.2)
        return ip.Problem(prior, problem.likelihood, problem.y)
    if name == "kadkhodaie-simoncelli":
        noise = attrs.evolve(NOISES["inpainting"], sigma=1e-4)
        return measured(noise, rows)
    return measured(NOISES["inpainting"], rows)


@pytest.fixture(params=SOLVERS)
def name(request) -> str:
    return request.param


def test_a_resumed_run_is_the_same_to_the_bit(name, tmp_path):
    problem, solver = problem_for(name), SOLVERS[name]
    events = list(ip.iterate(problem, solver, seed=3))
    middle = len(events) // 2
    save_checkpoint(tmp_path / "run", events[middle])
    rest = list(ip.iterate(problem, solver, seed=3, resume=tmp_path / "run"))
    assert len(rest) == len(events) - middle
    assert torch.equal(rest[-1].estimate(), events[-1].estimate())


def test_states_keep_their_shapes(name):
    shapes = {
        tuple(
            tuple(value.shape) if isinstance(value, torch.Tensor) else type(value)
            for value in attrs.asdict(event.state, recurse=False).values()
        )
        for event in ip.iterate(problem_for(name), SOLVERS[name])
    }
    assert len(shapes) == 1


def test_a_row_does_not_depend_on_the_others(name):
    problem = problem_for(name)
    together = ip.solve(problem, SOLVERS[name]).x
    first = ip.solve(attrs.evolve(problem, y=problem.y[:1]), SOLVERS[name]).x
    torch.testing.assert_close(together[:1], first, rtol=1e-9, atol=1e-9)
    other = attrs.evolve(problem, y=torch.cat([problem.y[1:2], problem.y[1:]]))
    torch.testing.assert_close(
        ip.solve(other, SOLVERS[name]).x[1:], together[1:], rtol=1e-9, atol=1e-9
    )


def test_a_sample_does_not_depend_on_how_many_are_asked_for(name):
    problem, solver = problem_for(name, 1), SOLVERS[name]
    if not solver.stochastic:
        refusal = "deterministic|No installed sampler accepts"
        with pytest.raises((ip.InputError, ip.IncompatibleError), match=refusal):
            ip.solve(problem, solver, samples=2)
        return
    two, three = (ip.solve(problem, solver, samples=n).samples for n in (2, 3))
    torch.testing.assert_close(two, three[:2], rtol=1e-9, atol=1e-9)
    assert not torch.allclose(two[0], two[1], atol=1e-3)


def test_single_precision_and_untouched_inputs(name):
    problem = problem_for(name)
    single = attrs.evolve(problem, y=problem.y.float())
    before, start = single.y.clone(), torch.full((3, *SHAPE), 0.6)
    x = ip.solve(single, SOLVERS[name], x0=start).x
    assert x.dtype == torch.float32 and bool(torch.isfinite(x).all())
    assert torch.equal(single.y, before) and bool((start == 0.6).all())
    if not SOLVERS[name].stochastic:
        double = ip.solve(problem, SOLVERS[name], x0=start.double()).x
        torch.testing.assert_close(x.double(), double, atol=2e-4, rtol=0)


def test_the_type_of_the_problem_counts_and_not_the_default_one(name):
    problem = problem_for(name)
    single = attrs.evolve(problem, y=problem.y.float())
    expected = ip.solve(single, SOLVERS[name], seed=0).x
    torch.set_default_dtype(torch.float64)
    try:
        found = ip.solve(single, SOLVERS[name], seed=0).x
    finally:
        torch.set_default_dtype(torch.float32)
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, expected, atol=1e-6, rtol=0)


@pytest.mark.parametrize(
    "made",
    [ip.SplitGibbs, ip.AnnealedLangevin, ip.DDRM, ip.PriorSampling, ip.KadkhodaieSimoncelli],
)
def test_the_levels_of_samplers_have_their_names(made):
    """Some would have the least first and others the greatest."""
    assert made(12, sigma_min=0.02, sigma_max=2.0) != made(12)
    with pytest.raises(TypeError, match="positional argument"):
        made(12, 0.5)
