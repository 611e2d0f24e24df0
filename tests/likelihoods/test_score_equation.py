"""Solving s(y) = f(x, y) for x, for all the models of Xie et al. (2023)."""

import pytest
import torch
from noise_examples import MIXED, NOISES, PIXELWISE, SHAPE, A, image, measure
from scipy import integrate

import invprob as ip
from invprob.compatibility import lacks
from invprob.contracts import MatchesScore, ScoresData, StatesEquation
from invprob.likelihoods.delegation import equation_of

ALL = {n: ip.xie2023(n) for n in range(1, 17)}
EXACT = {n: ip.xie2023(n, exact=True) for n in (*range(1, 12), 13, 15)}


def solve(noise, y, s, sweeps=30):
    x = y
    for _ in range(sweeps):
        x = noise.match_score(y, s, x)
    return x


def dark(rows=6):
    """Pixels from 1e-4, a fortieth of a grey level, to 1, evenly on a logarithmic scale."""
    u = torch.rand(rows, *SHAPE, generator=ip.generator(5), dtype=torch.float64)
    return 10 ** (-4 * u)


@pytest.mark.parametrize("images", [image(rows=20), dark()], ids=["from 0.05", "from 1e-4"])
@pytest.mark.parametrize("number", ALL)
def test_the_sixteen_models_return_the_image_that_the_score_came_from(number, images):
    """As shipped, each by the equation that it solves, to 1e-8, from x0 = y."""
    noise = ALL[number]
    y = measure(noise, images)
    s = equation_of(noise, y, images)
    assert (solve(noise, y, s) - images).abs().max() < 1e-8


def support(number, x):
    """Measurements from one end of what p(y | x) allows to the other, far into both tails."""
    noise, far = ALL[number], torch.linspace(-1, 1, x.shape[0], dtype=torch.float64)
    far = far.reshape(-1, 1, 1, 1)
    match noise:
        case ip.Gamma() | ip.Rayleigh() | ip.Poisson():
            w = pixelwise(noise, x, far)
        case ip.Correlated():
            w = noise.A.forward(pixelwise(noise.noise, x, far))
        case ip.Mixture():
            w = x + 8 * noise.sigma * far + 0.5 * far
        case _:  # 4.5 standard deviations: beyond -1 / 2a = -5.1 there is a second root
            level = 0.098 * x + 25 / 255
            w = x + 4.5 * level * far * (0.5 if number == 4 else 1)
    return w


def pixelwise(noise, x, far):
    match noise:
        case ip.Gamma():
            return x * 10 ** (2 * far)
        case ip.Poisson():
            return (noise.peak * 2 * (1 + far) * x).round() / noise.peak
        case ip.Rayleigh():
            return x * (1 + 10 ** (3 * far - 1))  # y s from 1000 to -1e5


@pytest.mark.parametrize("number", ALL)
def test_the_sixteen_models_over_their_whole_support(number):
    x = dark(rows=21)
    y = support(number, x)
    s = equation_of(ALL[number], y, x)
    assert s.isfinite().all()
    assert (solve(ALL[number], y, s) - x).abs().max() < 1e-8
    if number in (9, 10):
        assert (y * s).min() < -1e4


@pytest.mark.parametrize("number", EXACT)
def test_all_that_have_a_literal_score_return_the_image_it_came_from(number):
    """match_score(y, score_y(y, x), y) is x, for sampled y and over the whole support."""
    noise = EXACT[number]
    assert lacks(noise, StatesEquation) or torch.equal(
        noise.equation(dark(), dark()), noise.score_y(dark(), dark())
    )
    for x in (image(rows=20), dark(rows=21)):
        for y in (measure(noise, x), support(number, x)):
            found = solve(noise, y, noise.score_y(y, x), 30 if number == 4 else 1)
            assert (found - x).abs().max() < 1e-8


@pytest.mark.parametrize("number", [12, 14, 16])
def test_a_filtered_mixture_has_no_literal_score(number):
    with pytest.raises(ip.InputError, match="one integral over all of them"):
        ip.xie2023(number, exact=True)
    assert "one integral over all" in lacks(ip.xie2023(number), ScoresData)


def test_where_counts_can_be_read_off_y_the_literal_score_says_nothing_of_x():
    """x ∂s/∂x = peak Var[w | y, x] / sigma²: rounding, where one count explains y and no other."""
    x = dark()
    for peak, sigma in ((4, 1 / 50), (51, 1 / 510)):
        noise = ip.Mixture(ip.Poisson(peak), sigma, exact=True)
        y = ip.Poisson(peak).sample(x, ip.generator(1)) + sigma * (dark() - 0.5)
        s = noise.score_y(y, x)
        torch.testing.assert_close(noise.score_y(y, (2 * x).clamp_max(1)), s, rtol=1e-6, atol=1e-6)
    noise, y = ip.Mixture(ip.Poisson(4), 0.1, exact=True), x + 0.05
    near = x * (1 + 1e-6)
    slope = x * (noise.score_y(y, near) - noise.score_y(y, x)) / (near - x)
    w = y + 0.1**2 * noise.score_y(y, x)
    counts = torch.arange(200, dtype=x.dtype) / 4
    weight = (
        torch.distributions.Poisson(4 * x[..., None]).log_prob(4 * counts)
        - (y[..., None] - counts).square() / (2 * 0.1**2)
    ).softmax(-1)
    variance = (weight * (counts - w[..., None]).square()).sum(-1)
    torch.testing.assert_close(slope, 4 * variance / 0.1**2, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("name", NOISES)
def test_every_noise_that_can_be_matched_is(name):
    noise, x = NOISES[name], image(rows=20)
    if lack := lacks(noise, MatchesScore) or lacks(noise, ScoresData):
        pytest.skip(lack)
    if name == "poisson, dim + gaussian":
        pytest.skip("the counts can be read off y, so the score does not depend on x")
    y = measure(noise, x)
    found = solve(noise, y, noise.score_y(y, x), 2)
    right = torch.ones_like(x, dtype=torch.bool)
    if "steep" in name:  # the branch that is y at s = 0: see signal_dependent
        clean = noise.noise if isinstance(noise, ip.Mixture) else noise
        right = y - x > -0.9 * clean.level(x) / (2 * clean.a)
        if isinstance(noise, ip.Mixture):
            right = 1 - 2 * clean.a * clean.level(x) * noise.score_y(y, x) > 0.1
    assert right.double().mean() > 0.7
    assert (found - x)[right].abs().max() < 1e-8


@pytest.mark.parametrize("number", [11, 12, 13, 14, 15, 16])
def test_the_equation_of_algorithm_five_is_the_derivative_of_the_profile_likelihood(number):
    """s = f_w(x, z) with z = y + sigma² s: choose x and z, and s and y follow."""
    noise, x = ALL[number], dark()
    z = noise.noise.sample(x, ip.generator(2))
    s = noise.noise.score_y(z, x)
    y = z - noise.sigma**2 * s
    assert ((noise.equation(y, x) - s).abs() <= 1e-7 * (1 + s.abs())).all()


def test_a_filter_around_a_mixture_keeps_its_equation():
    noise, x = ip.Correlated(ip.xie2023(11), A), image()
    y = measure(noise, x)
    assert (solve(noise, y, noise.equation(y, x), 1) - x).abs().max() < 1e-8
    derived = ip.autograd(ip.xie2023(15))
    assert torch.equal(derived.equation(y, x), ip.xie2023(15).equation(y, x))


class Scoreless:
    """Gaussian noise that can be matched, and does not know its score."""

    def sample(self, x, generator):
        return ip.Gaussian(0.1).sample(x, generator)

    def log_prob(self, y, x):
        return ip.Gaussian(0.1).log_prob(y, x)

    def match_score(self, y, s, x):
        return y + 0.01 * s


def test_who_has_no_score_states_no_equation():
    filtered = ip.Correlated(Scoreless(), A)
    assert "score_y" in lacks(filtered, StatesEquation) and not lacks(filtered, MatchesScore)
    derived, x = ip.autograd(Scoreless()), image()
    assert not lacks(derived, StatesEquation)
    y = measure(derived, x)
    assert (derived.match_score(y, derived.equation(y, x), y) - x).abs().max() < 1e-12


@pytest.mark.parametrize("name", [n for n in MIXED if "," not in n])
def test_algorithm_five_is_close_to_the_exact_root(name):
    """Two grey levels in the median, for the noises of the paper."""
    exact, x = MIXED[name], image(rows=20, darkest=0.2)
    fast = ip.Mixture(exact.noise, exact.sigma)
    y = exact.sample(x, ip.generator(3))
    s = exact.score_y(y, x)
    error = (fast.match_score(y, s, y) - x).abs() * 255
    assert float(error.median()) < 2 and float(error.quantile(0.99)) < 8


def test_rayleigh_over_the_whole_range_of_scores():
    """There is a root for every y > 0 and every y s, from -1000 to 1000."""
    for scale in (0.05, 0.3, 2.0):
        noise = ip.Rayleigh(scale)
        y = torch.full((1, 401), 0.7, dtype=torch.float64)
        s = torch.linspace(-1000, 1000, 401, dtype=torch.float64)[None] / 0.7
        x = noise.match_score(y, s, y)
        assert ((x > 0) & (x < y)).all()
        error = (noise.score_y(y, x) - s).abs()
        assert (error < 1e-9 * (1 + s.abs()) / (1 - x / y) ** 2).all()


def test_the_gamma_equation_returns_the_harmonic_mean():
    """With an inverse-gamma prior all is closed: 54.8387 grey levels, where E[x | y] is 56.667."""
    alpha, shape, rate, y = 26.0, 5.0, 400.0, 50.0
    score = (alpha - 1) / y - alpha * (alpha + shape) / (alpha * y + rate)
    noise = ip.Gamma(alpha)
    measured = torch.tensor([[y / 255]], dtype=torch.float64)
    x = noise.match_score(measured, torch.full_like(measured, 255 * score), measured)
    assert float(x) * 255 == pytest.approx(54.8387, abs=1e-4)
    assert float(x) * 255 == pytest.approx((alpha * y + rate) / (alpha + shape), rel=1e-12)


def test_the_poisson_equation_returns_the_geometric_mean():
    """With a gamma prior: exp(digamma(k + a)) / (rate + lambda)."""
    a, rate, lam, k = 2.0, 0.1, 0.2, 1.0
    score = lam * (
        torch.log(torch.tensor(lam)).double()
        + torch.digamma(torch.tensor(k + a).double())
        - torch.log(torch.tensor(rate + lam).double())
        - torch.digamma(torch.tensor(k + 1).double())
    )
    noise = ip.Poisson(peak=lam * 255)
    y = torch.tensor([[k / lam / 255]], dtype=torch.float64)
    x = noise.match_score(y, 255 * score.reshape(1, 1), y)
    assert float(x) * 255 == pytest.approx(8.388, abs=1e-3)


def test_unattainable_scores_stay_finite():
    """A network may ask for what no image has; the answer is wrong, but it is a number."""
    y = torch.tensor([[-0.2, 0.0, 1e-4, 0.5, 1.5]])
    for noise in [*PIXELWISE.values(), *MIXED.values()]:
        for s in (-1e4, -10.0, 0.0, 10.0, 1e4):
            assert noise.match_score(y, torch.full_like(y, s), y).isfinite().all(), noise


def test_the_exact_score_of_a_mixture_is_that_of_an_integral():
    gamma, sigma, y, x = ip.Gamma(26), 10 / 255, 0.1, 0.12

    def weight(w, power):
        at = torch.tensor([w], dtype=torch.float64)
        density = float(gamma.log_density(at, torch.full_like(at, x)).exp())
        return w**power * density * 2.718281828459045 ** (-((y - w) ** 2) / (2 * sigma**2))

    mass, first = (integrate.quad(weight, 0, 1, args=(k,), epsabs=1e-14)[0] for k in (0, 1))
    at = torch.tensor([[y]], dtype=torch.float64)
    score = ip.Mixture(gamma, sigma, exact=True).score_y(at, torch.full_like(at, x))
    assert float(score) == pytest.approx((first / mass - y) / sigma**2, rel=1e-9)


def test_there_are_sixteen():
    assert repr(ip.xie2023(16).noise.A) == repr(A)
    for number in (0, 17, "1"):
        with pytest.raises(ip.InputError, match="1 to 16"):
            ip.xie2023(number)
    names = [type(ip.xie2023(n)).__name__ for n in range(1, 17)]
    assert names.count("Mixture") == 6 and names.count("Correlated") == 3
    assert ip.xie2023(1).sigma == pytest.approx(0.098039, abs=1e-6)
    assert ip.xie2023(7).peak == pytest.approx(51)
    x = torch.rand(1, *SHAPE, generator=ip.generator(0))
    for number in range(1, 17):
        noise = ip.xie2023(number)
        y = noise.sample(x, ip.generator(number))
        assert y.shape == x.shape and y.isfinite().all()
        if hasattr(noise, "check_measurement"):
            noise.check_measurement(y)


def test_a_mixture_of_a_mixture_states_its_equation():
    noise = ip.Mixture(ip.Mixture(ip.Gamma(26), 0.03), 0.04)
    x = image()
    y = measure(noise, x)
    s = noise.equation(y, x)
    torch.testing.assert_close(noise.equation(y, solve(noise, y, s)), s)
