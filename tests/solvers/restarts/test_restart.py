"""Crowds, populations and guidance of `Restart`: what they cost, find, and refuse."""

import pytest
import torch

import invprob as ip
from invprob.diagnostics.laboratory import measurements, similar_mixture
from invprob.diagnostics.wasserstein import exactness
from invprob.solvers.restarts.particles import Data, Groups, effort
from invprob.solvers.restarts.state import RestartState

SHAPE = (1, 4, 4)
PRIOR = similar_mixture((4, 4))
PINHOLES = measurements((4, 4))["inpaint"]


class Counting:
    """A prior that counts the images it denoises."""

    def __init__(self, prior):
        self.prior, self.images = prior, 0

    def denoise(self, x, sigma):
        self.images += len(x)
        return self.prior.denoise(x, sigma)

    def moments(self):
        return self.prior.moments()


def measured(noise, count=1):
    draw = ip.generator(0, 2)
    return noise.sample(PRIOR.sample((count, *SHAPE), draw), draw)


def ratio(solver, samples):
    """Of 4 measurements, to what exact samples would give."""
    y = measured(PINHOLES, 4)
    posteriors = [PRIOR.posterior(PINHOLES, row[None]) for row in y]
    result = ip.solve(ip.Problem(PRIOR, PINHOLES, y.float()), solver, samples=samples)
    found = list(result.samples.transpose(0, 1).double())
    return exactness(found, posteriors, ip.generator(0, 3))


def test_where_the_data_barely_tell_modes_apart_crowds_find_the_right_ones():
    alone = ratio(ip.Restart(particles=1, guided=False), 64)
    guided = ratio(ip.Restart(particles=1, guided=True), 64)
    crowds = ratio(ip.Restart(), 64)
    together = ratio(ip.Restart(population=16), 64)
    assert alone > 4
    assert guided < 0.75 * alone
    assert crowds < 0.5 * alone
    assert together < 0.5 * alone


@pytest.mark.parametrize("calls", [8, 20, 50, 100, 300])
@pytest.mark.parametrize("population", [1, 8])
@pytest.mark.parametrize("particles", [None, 1, 3])
@pytest.mark.parametrize("guided", [None, True])
def test_the_denoiser_sees_no_more_images_than_were_granted(calls, population, particles, guided):
    prior = Counting(PRIOR)
    solver = ip.Restart(calls, population=population, particles=particles, guided=guided)
    ip.solve(ip.Problem(prior, PINHOLES, measured(PINHOLES)), solver, samples=8)
    assert 0.7 * calls <= prior.images / 8 <= calls


def test_groups_do_not_depend_on_how_many_there_are():
    problem = ip.Problem(PRIOR, PINHOLES, measured(PINHOLES))
    solver = ip.Restart(calls=30, population=4)
    few, many = (ip.solve(problem, solver, samples=n).samples for n in (4, 12))
    torch.testing.assert_close(many[:4], few, rtol=0, atol=1e-12)
    assert not torch.equal(many[4:8], few)


def test_too_little_noise_to_start_from_grey_is_refused_but_not_from_an_image():
    y = measured(PINHOLES)
    problem, solver = ip.Problem(PRIOR, PINHOLES, y), ip.Restart(sigma_max=0.06)
    with pytest.raises(ip.InputError, match="sigma_max=0.06 is less than pixels vary by"):
        ip.solve(problem, solver)
    near = ip.solve(problem, solver, x0=PRIOR.means[:1])
    assert near.samples.isfinite().all()


@pytest.mark.parametrize("calls", [20, 50, 100])
def test_crowds_leave_enough_levels_on_the_way_to_zero(calls):
    prior = ip.GaussianPrior(mean=torch.full((1, 16, 16), 0.5), sd=0.2)
    mask = ip.Mask.random((16, 16), keep=0.5, seed=0)
    noise = ip.Gaussian(sigma=0.1, operator=mask)
    y = noise.sample(prior.sample((1, 1, 16, 16), ip.generator(1)), ip.generator(2))
    samples = ip.solve(ip.Problem(prior, noise, y), ip.Restart(calls), samples=40).samples
    exact = 1 / (1 / 0.2**2 + 1 / 0.1**2)
    seen = mask.adjoint(mask.forward(torch.ones(1, 1, 16, 16)))[0] > 0
    ratio = float(samples.var(0)[0][seen].mean()) / exact
    assert ratio == pytest.approx(1, abs=0.15 if calls == 20 else 0.06)


def test_data_that_are_met_exactly_pull_nowhere():
    means = torch.tensor([[-4.0, 0.0], [4.0, 0.0]])
    prior = ip.GaussianMixturePrior(torch.ones(2), means, 0.05 * torch.eye(2))
    noise = ip.Gaussian(sigma=0.3, operator=ip.Dense([[0.0, 1.0]], image_shape=(2,)))
    result = ip.solve(ip.Problem(prior, noise, torch.zeros(1, 1)), ip.Restart(), samples=40)
    assert result.samples.isfinite().all()
    assert 5 < int((result.samples[..., 0] > 0).sum()) < 35


def test_at_the_last_level_nothing_is_ahead_and_the_gains_add_up():
    sd = torch.tensor([0.1, 0.3, torch.inf])
    data = Data(torch.tensor([[0.2, 0.7, 0.0]]), sd, 0.02)
    denoised = torch.tensor([[0.3, 0.4, 0.9]])
    assert data.ahead(denoised, 0.1).item() == 0
    assert not data.informs(0.1)
    assert data.informs(1.0)
    both = data.gain(denoised, 1.0, 0.4) + data.gain(denoised, 0.4, 0.1)
    torch.testing.assert_close(both, data.gain(denoised, 1.0, 0.1))
    target = torch.distributions.Normal(denoised[0, :2], sd[:2])
    inflated = torch.distributions.Normal(denoised[0, :2], 1.0)
    w = data.w[0, :2]
    expected = (target.log_prob(w) - inflated.log_prob(w) + sd[:2].log()).sum()
    torch.testing.assert_close(data.gain(denoised, 1.0, 0.1)[0], expected)


def test_the_effort_is_the_ratio_of_the_densities():
    normal, shift = torch.randn(2, 5, 7, generator=ip.generator(0), dtype=torch.float64)
    law = torch.distributions.Normal(torch.zeros(7, dtype=torch.float64), 1.0)
    expected = (law.log_prob(normal + shift) - law.log_prob(normal)).sum(1)
    torch.testing.assert_close(effort(normal, shift), expected)


def test_particles_are_drawn_in_proportion_and_only_within_their_group():
    groups = Groups(samples=4, measurements=2, members=4)
    share = torch.tensor([0.1, 0.2, 0.3, 0.4], dtype=torch.float64)
    weight = torch.stack([share.log(), torch.tensor([0.0, -50, -50, -50]).double()], 1)
    counts = torch.zeros(8)
    for i in range(400):
        uniform = torch.rand(8, generator=ip.generator(i))
        chosen, left = groups.draw(weight.reshape(8, 1), uniform, 1, always=True)
        assert (left == 0).all()
        counts += chosen.flatten().bincount(minlength=8)
        assert {int(n) % 2 for n in chosen[::2]} == {0}
        assert {int(n) for n in chosen[1::2]} == {1}
    torch.testing.assert_close(counts[::2] / 1600, share.float(), rtol=0, atol=0.02)


def test_even_groups_are_left_alone_and_keep_their_weights():
    weight = torch.tensor([[0.1], [0.0], [0.2], [-0.1]])
    chosen, left = Groups(4, 1, 4).draw(weight, torch.full((4,), 0.9), 1)
    assert chosen.flatten().tolist() == [0, 1, 2, 3]
    torch.testing.assert_close(left, weight)


def test_a_row_keeps_some_of_its_own_particles_or_gets_more():
    weight = torch.tensor([[0.0, -60.0, -60.0, 0.0]])
    chosen, _ = Groups(1, 1, 1).draw(weight, torch.tensor([0.5]), 2)
    assert chosen.tolist() == [[0, 3]]
    chosen, _ = Groups(1, 1, 1).draw(weight[:, :1], torch.tensor([0.5]), 4)
    assert chosen.tolist() == [[0, 0, 0, 0]]


@pytest.mark.parametrize(
    ("solver", "off"),
    [
        (ip.Restart(particles=1), 0.03),
        (ip.Restart(particles=1, kappa=0), 0.03),
        (ip.Restart(), 0.05),
        (ip.Restart(calls=300), 0.03),
    ],
)
def test_the_spread_is_right_where_pixels_are_known_much_better_or_not_at_all(solver, off):
    """The prior is three times, or infinitely, wider than what the data leave of it."""
    shape = (1, 16, 16)
    prior = ip.GaussianPrior(mean=torch.full(shape, 0.5), sd=0.1)
    noise = ip.Gaussian(sigma=0.03, operator=ip.Mask.random(shape, keep=0.5))
    draw = ip.generator(3)
    y = noise.sample(prior.sample((20, *shape), draw), draw)
    samples = ip.solve(ip.Problem(prior, noise, y), solver, samples=16).samples
    exact = (1 / (1 / 0.1**2 + 1 / noise.spectrum(shape).sd.double() ** 2)).mean().sqrt()
    assert float(samples.var(0).mean().sqrt() / exact) == pytest.approx(1, abs=off)


@pytest.mark.parametrize(("calls", "least"), [(100, 15), (300, 35), (1000, 90)])
def test_crowds_shrink_to_one_and_grow_with_the_calls(calls, least):
    plan = ip.Restart(calls)._plan(ip.Problem(PRIOR, PINHOLES, measured(PINHOLES)))
    crowd = plan.alive[1:]
    assert plan.alive[0] == 1 and least <= crowd[0] <= calls / 3
    assert list(crowd) == sorted(crowd, reverse=True) and crowd[-1] == 1
    assert list(plan.levels) == sorted(plan.levels, reverse=True)


def test_only_as_many_particles_as_were_asked_for():
    problem = ip.Problem(PRIOR, PINHOLES, measured(PINHOLES))
    assert max(ip.Restart(particles=3)._plan(problem).alive) == 3
    assert set(ip.Restart(particles=1)._plan(problem).alive) == {1}


def test_a_state_keeps_its_shapes():
    problem = ip.Problem(PRIOR, PINHOLES, measured(PINHOLES))
    most = max(ip.Restart()._plan(problem).alive)
    shapes = {
        tuple(tuple(getattr(event.state, name).shape) for name in ("x", "denoised", "weight"))
        for event in ip.iterate(problem, ip.Restart(calls=100))
        if isinstance(event.state, RestartState)
    }
    assert shapes == {((1, most, *SHAPE), (1, most, *SHAPE), (1, most))}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"population": 0}, "population=0"),
        ({"particles": 0}, "particles=0"),
        ({"calls": 7}, "calls=7"),
        ({"kappa": 1}, "kappa=1"),
    ],
)
def test_impossible_arguments_are_refused(arguments, said):
    with pytest.raises(ip.InputError, match=said):
        ip.Restart(**arguments)


def test_samples_that_make_no_groups_are_refused():
    problem = ip.Problem(PRIOR, PINHOLES, measured(PINHOLES))
    with pytest.raises(ip.InputError, match="a multiple of 4"):
        ip.solve(problem, ip.Restart(population=4), samples=6)


def test_weights_of_large_images_are_refused():
    prior = ip.GaussianPrior(mean=torch.full((1, 80, 80), 0.5), sd=0.2)
    noise = ip.Gaussian(sigma=0.1, operator=ip.Downsample(4))
    problem = ip.Problem(prior, noise, torch.full((1, 1, 20, 20), 0.5))
    with pytest.raises(ip.InputError, match="population=1"):
        ip.solve(problem, ip.Restart(population=4), samples=4)
    with pytest.raises(ip.InputError, match="particles=1"):
        ip.solve(problem, ip.Restart(particles=4), samples=4)
    assert ip.solve(problem, ip.Restart(calls=9), samples=4).samples.isfinite().all()


def test_a_denoiser_with_too_much_contrast_does_not_run_away_with_more_calls():
    """Near the last level, where 2 percent more than right is more than the prior pulls back."""
    exact = ip.GaussianPrior(mean=torch.full(SHAPE, 0.5), sd=0.2)

    def loud(x, sigma):
        gain = 1 + 0.02 * (sigma.view(-1, 1, 1, 1) < 0.0283)
        return 0.5 + gain * (exact.denoise(x, sigma) - 0.5)

    noise = ip.Gaussian(sigma=0.02, operator=ip.Mask.random(SHAPE[1:], keep=0.5))
    y = noise.sample(torch.full((1, *SHAPE), 0.5), ip.generator(0))
    problem = ip.Problem(ip.DenoiserPrior(loud), noise, y)
    few, many = (
        ip.solve(problem, ip.Restart(calls=calls, particles=1), samples=50).samples.std(0).mean()
        for calls in (100, 1000)
    )
    assert many < 1.05 * few
