"""Every step of a sampler is the step of its lecture, for Gaussian priors: to rounding.

With a Gaussian prior the denoiser is affine, and so is every step in the images and in the normal
draws. So after n steps the images are Gaussian, with a mean and a covariance that follow from the
formulas alone: a test of every constant, which comparing with the posterior after many steps is
not, because a sampler forgets. Two independent ways:

* the solver is run on normal draws of which one number is 1 and all others are 0, one row of the
  batch for each: its mean and its covariance come out exactly, without sampling;
* the formulas of the lectures are evaluated on affine functions of the draws, written as matrices
  `(coordinates, 1 + draws)`: the first column is the mean, the others are the coefficients.

The prior is not white, and the operator has a singular value decomposition of its own, with values
that are zero, equal, and on both sides of the levels.
"""

import math

import attrs
import pytest
import torch

import invprob as ip

torch.set_num_threads(1)
F64 = torch.float64
SHAPE, SIZE = (1, 2, 4), 8
STEPS = [1, 2, 5, None]


def orthogonal(seed):
    draw = torch.randn(SIZE, SIZE, generator=ip.generator(seed), dtype=F64)
    return torch.linalg.qr(draw)[0]


ROOT = orthogonal(1) * torch.linspace(0.1, 0.5, SIZE, dtype=F64)
COVARIANCE = ROOT @ ROOT.T
MEAN = torch.linspace(0.2, 0.8, SIZE, dtype=F64)
PRIOR = ip.GaussianPrior.from_covariance(MEAN.reshape(SHAPE), COVARIANCE)
SINGULAR = torch.tensor([2.0, 1.0, 1.0, 0.5, 0.2, 0.0, 0.0, 0.0], dtype=F64)
MATRIX = (orthogonal(2) * SINGULAR) @ orthogonal(3).T
NOISES = {
    "dense": ip.Gaussian(sigma=0.1, operator=ip.Dense(MATRIX, SHAPE)),
    "mask": ip.Gaussian(sigma=0.2, operator=ip.Mask(torch.tensor([[1.0, 0, 1, 0], [0, 0, 1, 1]]))),
    "white": ip.Gaussian(sigma=0.3),
    "nothing": ip.Unobserved(),
}


def problem_of(name):
    noise, x = NOISES[name], PRIOR.sample((1, *SHAPE), ip.generator(4))
    return ip.Problem(PRIOR, noise, noise.sample(x, ip.generator(5)), SHAPE)


# --------------------------------------------------------------------------- the solver


@attrs.define
class Impulses:
    """Normal draws: none at all in row 0, a single 1 in each of the others."""

    rows: int
    calls: int = 0

    def normal(self, like, /):
        drawn = torch.zeros(self.rows, SIZE, dtype=F64)
        first = 1 + self.calls * SIZE
        if first < self.rows:
            drawn[first : first + SIZE] = torch.eye(SIZE, dtype=F64)
        self.calls += 1
        return drawn.reshape(like.shape)


def run(problem, solver, steps, streams):
    state = solver.init(problem, streams, None)
    states = [state]
    for _ in range(steps):
        state = solver.step(problem, state, streams)
        states.append(state)
    return states


def by_running(problem, solver, steps):
    """Mean and covariance of the noisy images, and of the estimates, after so many steps."""
    counter = Impulses(1)
    run(problem, solver, steps, counter)
    rows = 1 + counter.calls * SIZE
    state = run(problem.repeat(rows), solver, steps, Impulses(rows))[-1]
    noisy = state.x
    if isinstance(solver, ip.AnnealedLangevin):
        noisy = problem.likelihood.spectrum(SHAPE).v(noisy)
    parts = (part.reshape(rows, SIZE).T for part in (noisy, solver.estimate(state)))
    return [moments(part[:, 0], part[:, 1:] - part[:, :1]) for part in parts]


def moments(mean, effects):
    return mean, effects @ effects.T


# --------------------------------------------------------------------------- the lectures


@attrs.frozen(eq=False)
class Lecture:
    """A problem in its singular basis, where images are affine functions of the draws."""

    sd: torch.Tensor
    w: torch.Tensor
    basis: torch.Tensor
    draws: int

    @classmethod
    def of(cls, problem, draws):
        noise, y = problem.likelihood, problem.y.flatten()
        if isinstance(noise, ip.Unobserved):
            nowhere = torch.full((SIZE,), math.inf, dtype=F64)
            return cls(nowhere, torch.zeros(SIZE, dtype=F64), torch.eye(SIZE, dtype=F64), draws)
        pixels = torch.eye(SIZE, dtype=F64).reshape(SIZE, *SHAPE)
        matrix = noise.operator.forward(pixels).flatten(1).T
        square, basis = torch.linalg.eigh(matrix.T @ matrix)
        seen = square > 1e-9
        sd = torch.where(seen, noise.sigma / square.clamp(min=1e-9).sqrt(), math.inf)
        return cls(sd, torch.where(seen, basis.T @ torch.linalg.pinv(matrix) @ y, 0), basis, draws)

    def constant(self, values):
        columns = torch.zeros(SIZE, 1 + self.draws * SIZE, dtype=F64)
        columns[:, 0] = values
        return columns

    def draw(self, number):
        columns = self.constant(0.0)
        first = 1 + number * SIZE
        columns[:, first : first + SIZE] = torch.eye(SIZE, dtype=F64)
        return columns

    @property
    def observed(self):
        return self.constant(self.w)

    @property
    def mean(self):
        return self.constant(self.basis.T @ MEAN)

    def denoise(self, x, sigma):
        covariance = self.basis.T @ COVARIANCE @ self.basis
        gain = covariance @ torch.linalg.inv(covariance + sigma**2 * torch.eye(SIZE, dtype=F64))
        return self.mean + gain @ (x - self.mean)

    def where(self, chosen, one, other):
        return torch.where(chosen[:, None], one, other)

    def image(self, columns):
        return moments(self.basis @ columns[:, 0], self.basis @ columns[:, 1:])


def diag(values, columns):
    return torch.as_tensor(values, dtype=F64).expand(SIZE)[:, None] * columns


def langevin(lecture, solver, states):
    plan, sd, c = states[0].plan.tolist(), lecture.sd, solver.step_size
    first = states[0].sigma
    seen, share = sd <= first, c / 2
    old, new = lecture.draw(0), lecture.draw(1)
    width = torch.where(seen, (first**2 - sd**2).clamp(min=0), first**2).sqrt()
    centre = lecture.where(seen, lecture.observed, lecture.mean)
    x = centre + diag(width, (1 - share) ** 0.5 * old + share**0.5 * new)
    denoised, noise = x, new
    for k, sigma in enumerate(plan[: len(states) - 1]):
        denoised = lecture.denoise(x, sigma)
        if k + 1 == len(plan):
            break
        prior = (denoised - x) / sigma**2
        below = sigma < sd
        measured = torch.isfinite(sd)
        gap = torch.where(below, sd**2 - sigma**2, sigma**2 - sd**2)
        pull = diag(torch.where(measured, 1 / gap, 0), lecture.observed - x)
        tau2 = torch.where(below, sigma**2 * (1 - sigma**2 / sd**2), sigma**2 - sd**2)
        tau2 = torch.where(measured, tau2, sigma**2)
        fresh = lecture.draw(2 + k)
        mixed = (noise + fresh) / 2 if solver.reuse_noise else fresh
        g = lecture.where(below, prior + pull, pull)
        x = x + diag(c * tau2, g) + diag((2 * c * tau2).sqrt(), mixed)
        noise = fresh
    return x, denoised


def ddrm(lecture, solver, states):
    sd, w = lecture.sd, lecture.observed
    sigma = states[0].sigma
    seen = sd <= sigma
    width = torch.where(seen, (sigma**2 - sd**2).clamp(min=0), sigma**2).sqrt()
    x = lecture.where(seen, w, lecture.mean) + diag(width, lecture.draw(0))
    denoised = x
    for k, following in enumerate(state.sigma for state in states[1:]):
        v0 = denoised = lecture.denoise(x, sigma)
        if following == 0:
            x = denoised = lecture.where(sd < sigma, w, v0)
            break
        rest = (1 - solver.eta**2) ** 0.5 * following
        measured = torch.isfinite(sd)
        kept = lecture.where(
            measured, diag(torch.where(measured, 1 / sd, 0), w - v0), (x - v0) / sigma
        )
        fresh = lecture.draw(1 + k)
        ahead = v0 + rest * kept + solver.eta * following * fresh
        b = solver.eta_b
        width = (following**2 - b**2 * sd**2).clamp(min=0).sqrt()
        reached = (1 - b) * v0 + b * w + diag(width, fresh)
        x, sigma = lecture.where(sd <= following, reached, ahead), following
    return x, denoised


def prior_sampling(lecture, solver, states):
    sigma = states[0].sigma
    x = lecture.mean + sigma * lecture.draw(0)
    before, past = x, None
    for k, following in enumerate(state.sigma for state in states[1:]):
        denoised = lecture.denoise(x, sigma)
        fresh = lecture.draw(1 + k)
        if following == 0:
            x = denoised
        elif solver.method == "langevin":
            x = x + 0.2 * (denoised - x) + (2 * 0.2) ** 0.5 * sigma * fresh
        else:
            h = math.log(sigma / following)
            ahead = denoised if past is None else denoised + h / (2 * past) * (denoised - before)
            e = math.exp(-2 * h)
            x = e * x + (1 - e) * ahead + following * (1 - e) ** 0.5 * fresh
            past = h
        before, sigma = denoised, following
    return x, before


def restart(lecture, solver, states):
    levels, restarts = states[0].levels.tolist(), states[0].restarts
    sd, w, r = lecture.sd, lecture.observed, levels[0]
    rho = min(levels[restarts:]) if not restarts else levels[restarts - 1]
    old, new = lecture.draw(0), lecture.draw(1)
    noisy = lecture.mean + r * (old + new) / 2**0.5
    x, n, draws = lecture.where(sd <= r, w, noisy), new, 2
    denoised, before, past = x, None, None
    for done in range(1, len(states)):
        denoised = lecture.denoise(x, r)
        if done == len(levels):
            x = denoised
            break
        following, fresh = levels[done], lecture.draw(draws)
        draws += 1
        measured = torch.isfinite(sd)
        if done <= restarts:
            kappa = solver.kappa if following == rho else 0.0
            k, c = torch.where(measured, (following / sd).clamp(max=1) ** 2, 0), kappa**2
            pulled = diag(1 - k, denoised) + diag(k, w)
            kept = c * following / r
            width = following * ((1 - c) * (1 - k) / 2).sqrt()
            x = (1 - kept) * pulled + kept * x + diag(width, n + fresh)
            n = fresh
        else:
            h = math.log(r / following)
            ahead = denoised
            if past is not None:
                ahead = denoised + min(h / past, 1) / 2 * (denoised - before)
            e = math.exp(-2 * h)
            x = e * x + (1 - e) * ahead + following * (1 - e) ** 0.5 * fresh
        if done >= restarts and following < r:
            past = h if done > restarts else math.log(levels[done - 1] / following)
        before, r = denoised, following
    return x, denoised


CASES = [
    ("langevin", ip.AnnealedLangevin(levels=6, repeats=2), langevin, "dense mask white"),
    (
        "published langevin",
        ip.AnnealedLangevin(levels=5, step_size=0.1, reuse_noise=False, sigma_max=1.0),
        langevin,
        "dense mask white",
    ),
    ("ddrm", ip.DDRM(calls=8), ddrm, "dense mask white"),
    ("ddrm, other shares", ip.DDRM(calls=6, eta=0.3, eta_b=0.7), ddrm, "dense mask white"),
    ("reverse SDE", ip.PriorSampling(calls=9), prior_sampling, "nothing"),
    (
        "prior langevin",
        ip.PriorSampling(calls=7, method="langevin"),
        prior_sampling,
        "nothing",
    ),
    ("restart, part-way", ip.Restart(24, particles=1, guided=False), restart, "dense mask white"),
    (
        "restart, all the way",
        ip.Restart(16, particles=1, guided=False, kappa=0),
        restart,
        "dense mask white",
    ),
]


@pytest.mark.parametrize("steps", STEPS)
@pytest.mark.parametrize(
    ("solver", "lecture", "noise"),
    [
        pytest.param(solver, lecture, noise, id=f"{name}, {noise}")
        for name, solver, lecture, noises in CASES
        for noise in noises.split()
    ],
)
def test_mean_and_covariance_are_those_of_the_formulas(solver, lecture, noise, steps):
    problem = problem_of(noise)
    count = min(solver.steps(problem), steps or 10**9)
    states = run(problem, solver, count, Impulses(1))
    place = Lecture.of(problem, draws=2 + count)
    written = [place.image(columns) for columns in lecture(place, solver, states)]
    found = by_running(problem, solver, count)
    if isinstance(solver, ip.AnnealedLangevin) and count == solver.steps(problem):
        written, found = written[1:], found[1:]  # the last call leaves the noisy images alone
    for (mean, covariance), (expected, spread) in zip(found, written, strict=True):
        torch.testing.assert_close(mean, expected, rtol=1e-7, atol=1e-7)
        torch.testing.assert_close(covariance, spread, rtol=1e-7, atol=1e-9)
