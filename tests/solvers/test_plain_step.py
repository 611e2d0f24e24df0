"""The step c sigma² of Kawar, Vaksman and Elad, on their ladders and on others."""

import math

import attrs
import pytest
import torch
from affine_lectures import published_levels

import invprob as ip
from invprob.solvers.langevin_steps import check_plain_step, plain_levels

F64 = torch.float64
NAMES = ["celeba", "lsun", "ffhq", "ffhq-inpainting"]
PUBLISHED = {"celeba": (90, 500), "lsun": (190, 1086), "ffhq": (348, 2311)}
MEAN, SD = 0.5, 0.2


def plain(name):
    return attrs.evolve(ip.AnnealedLangevin.published(name), plain_step=True)


def grey_problem(sigma, operator=None, size=6, dtype=None):
    prior = ip.GaussianPrior(mean=torch.full((1, size, size), MEAN, dtype=dtype), sd=SD)
    noise = ip.Gaussian(sigma) if operator is None else ip.Gaussian(sigma, operator)
    return ip.Problem(prior, noise, torch.full((1, 1, size, size), 0.6, dtype=dtype))


def half(size=6):
    """The left half of the pixels is measured."""
    return ip.Mask((torch.arange(size) < size // 2).to(F64).expand(size, size))


OPERATORS = {"denoising": None, "mask": half()}


# --------------------------------------------------------------------------- ladders


@pytest.mark.parametrize("dtype", [torch.float32, F64])
@pytest.mark.parametrize("name", NAMES)
def test_of_a_published_ladder_the_level_of_the_data_is_skipped_and_all_others_are_there(
    name, dtype
):
    highest, count = PUBLISHED[name.removesuffix("-inpainting")]
    ladder = [highest * (0.01 / highest) ** (i / (count - 1)) for i in range(count)]
    place = round(0.7 * count)
    sampler, sigma_0 = plain(name), ladder[place]
    for operator, above in ((None, []), (half(), ladder[1:place])):
        plan = sampler._plan(grey_problem(sigma_0, operator, dtype=dtype))
        repeats = 5 if name in ("celeba", "ffhq-inpainting") else 3
        assert plan[:-1:repeats] == pytest.approx(above + ladder[place + 1 :], rel=1e-6)
        assert plan[:-1] == [sigma for sigma in plan[:-1:repeats] for _ in range(repeats)]


@pytest.mark.parametrize("operator", OPERATORS)
@pytest.mark.parametrize("name", NAMES)
def test_data_of_any_noise_level_are_passed_without_overshooting(name, operator):
    sampler = plain(name)
    adapted, c = attrs.evolve(sampler, plain_step=False), sampler.step_size
    last = (0.01,) if operator == "mask" else ()
    for sigma in (*last, 0.01001, 0.0101, 0.0107, 0.02, 0.0633, 0.1, 0.2, 0.35, 1.0, 5.0):
        problem = grey_problem(sigma, OPERATORS[operator])
        plan = sampler.init(problem, ip.Streams(0, 1, 1), None).plan[:-1]
        assert bool((c * plan.clamp(min=sigma) ** 2 < 2 * (plan**2 - sigma**2).abs()).all())
        assert 0 <= adapted.steps(problem) - 1 - len(plan) <= 3 * sampler.repeats


def test_several_noise_levels_of_the_data_are_all_skipped():
    """What differs by rounding is one."""
    level = torch.tensor([[0.3, 0.1, 0.100001], [0.02, 0.3, 0.1], [1.0, 1.0, 1.0]])
    mask = ip.Mask(torch.tensor([[1, 1, 1], [1, 1, 1], [0, 0, 0]]))
    problem = grey_problem(level[None], mask, size=3)
    solver = ip.AnnealedLangevin(ratio=0.9, step_size=0.1, plain_step=True, reuse_noise=False)
    plan = solver.init(problem, ip.Streams(0, 1, 1), None).plan
    for sigma in (0.3, 0.1, 0.02):
        away = (plan[:-1] / sigma).log().abs().min()
        assert -math.log(0.9) * 0.999 < away < -math.log(0.9) * 1.5
    assert bool(torch.isfinite(ip.solve(problem, solver, samples=3).x).all())


def test_a_blur_leaves_no_room():
    problem = grey_problem(0.1, ip.CircularBlur.named("uniform3"), size=32)
    with pytest.raises(ip.InputError, match="would explode: .*Leave plain_step out"):
        ip.solve(problem, plain("celeba"))


# --------------------------------------------------------------------------- samples


def written_out(sampler, sigma_0, kind, y):
    """Mean and variance of a pixel's samples: Algorithms 1 and 2, and a last denoiser call."""
    levels = published_levels(sigma_0, sampler.sigma_max, sampler.sigma_min, sampler.ratio)
    if kind == "denoising":
        levels = levels[-levels[-1][0] - 1 :]
    c, first = sampler.step_size, levels[0][1]
    mean, variance = (MEAN, first**2) if kind == "missing" else (y, first**2 - sigma_0**2)
    for i, sigma in levels[1:]:
        if i == 0:
            continue
        blurred = SD**2 + sigma**2
        curvature, pull = 1 / blurred, MEAN / blurred
        if kind != "missing":
            gap = abs(sigma**2 - sigma_0**2)
            curvature, pull = (i > 0) * curvature + 1 / gap, (i > 0) * pull + y / gap
        for _ in range(sampler.repeats):
            keep = 1 - c * sigma**2 * curvature
            mean = keep * mean + c * sigma**2 * pull
            variance = keep**2 * variance + 2 * c * sigma**2
    gain = SD**2 / (SD**2 + sampler.sigma_min**2)
    return MEAN + gain * (mean - MEAN), gain**2 * variance


@pytest.mark.parametrize("operator", OPERATORS)
@pytest.mark.parametrize("name", NAMES)
def test_the_published_step_has_the_right_samples(name, operator):
    """Pixels are independent, so that one image is many samples; it starts at a lower level.

    What the formulas say is not the posterior: few short steps lag behind the levels.
    """
    sampler, sigma_0, size, y = attrs.evolve(plain(name), sigma_max=0.5), 0.1, 64, 0.6
    inside = None if operator == "denoising" else half(size)
    x = ip.solve(grey_problem(sigma_0, inside, size, F64), sampler, samples=1).x[0, 0]
    kinds = {"denoising": x}
    if inside is not None:
        kinds = {"measured": x[:, : size // 2], "missing": x[:, size // 2 :]}
    for kind, pixels in kinds.items():
        mean, variance = written_out(sampler, sigma_0, kind, y)
        assert float(pixels.mean()) == pytest.approx(mean, abs=4 * (variance / x.numel()) ** 0.5)
        assert float(pixels.var()) == pytest.approx(variance, rel=4 * (2 / pixels.numel()) ** 0.5)
        share = 0.0 if kind == "missing" else SD**2 / (SD**2 + sigma_0**2)
        assert mean == pytest.approx(MEAN + share * (y - MEAN), abs=0.01)
        assert variance == pytest.approx((1 - share) * SD**2, rel=0.22)


# --------------------------------------------------------------------------- other ladders


def test_the_plain_step_is_right_where_it_is_stable():
    problem = grey_problem(0.1)
    solver = ip.AnnealedLangevin(
        ratio=0.9, repeats=5, step_size=0.1, reuse_noise=False, plain_step=True
    )
    samples = ip.solve(problem, solver, samples=300).samples
    exact = 0.1 * 0.2 / math.hypot(0.1, 0.2)
    assert float(samples.std(0).mean()) == pytest.approx(exact, rel=0.1)
    adapted = ip.solve(problem, attrs.evolve(solver, plain_step=False), samples=300).samples
    assert not torch.equal(samples, adapted)


def test_a_plain_step_that_overshoots_is_refused():
    solver = ip.AnnealedLangevin(ratio=0.99, step_size=0.1, plain_step=True)
    with pytest.raises(ip.InputError, match=r"would explode: the level 0.099.*below 0.0"):
        ip.solve(grey_problem(0.1), solver)


def test_the_longest_plain_step_is_twice_what_the_narrowest_target_allows():
    """With data of noise 0.3: 1 - 0.75² of sigma² at the level 0.4, 1 - (2/3)² at 0.2."""
    sd, plan = torch.tensor([0.3, torch.inf]), torch.tensor([0.4, 0.2, 0.1], dtype=F64)
    longest = 2 * (1 - 0.75**2)
    check_plain_step(sd, plan, 0.999 * longest)
    with pytest.raises(ip.InputError, match=r"the level 0.4 .* below 0.87"):
        check_plain_step(sd, plan, 1.001 * longest)
    with pytest.raises(ip.InputError, match=r"the level 0.2 "):
        check_plain_step(sd, plan[1:], 1.12)
    check_plain_step(sd, plan[2:], 1.9)  # the last level takes no step


@pytest.mark.parametrize(("step_size", "kept"), [(0.19, True), (0.20, False), (0.30, False)])
def test_a_last_level_just_below_the_data_is_kept_where_the_step_is_stable(step_size, kept):
    last = 0.95 * 0.3  # where 1 - 0.95² of sigma² are left, twice which is 0.195
    levels = plain_levels(torch.tensor([0.3]), 2.0, last, 0.8, step_size)
    assert (levels[-1] == pytest.approx(last)) == kept
    assert all(abs(math.log(level / 0.3)) > 0.04 for level in levels)


def test_it_would_have_exploded(monkeypatch):
    solver = ip.AnnealedLangevin(ratio=0.999, step_size=0.1, repeats=20, plain_step=True)
    module = "invprob.solvers.annealed_langevin"
    monkeypatch.setattr(f"{module}.check_plain_step", lambda *_: None)
    events = ip.iterate(grey_problem(0.1), solver)
    state = [next(events) for _ in range(20)][-1].state
    assert not float(state.x.abs().max()) < 1e3
