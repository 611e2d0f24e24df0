"""The steps of the samplers' lectures, for a Gaussian prior, on affine functions of the draws.

An affine function of the draws is a matrix `(coordinates, 1 + draws)`: the first column is the
mean, the others are the coefficients.
"""

import math

import attrs
import torch

import invprob as ip

F64 = torch.float64
SHAPE, SIZE = (1, 2, 4), 8


def orthogonal(seed):
    draw = torch.randn(SIZE, SIZE, generator=ip.generator(seed), dtype=F64)
    return torch.linalg.qr(draw)[0]


ROOT = orthogonal(1) * torch.linspace(0.1, 0.5, SIZE, dtype=F64)
COVARIANCE = ROOT @ ROOT.T
MEAN = torch.linspace(0.2, 0.8, SIZE, dtype=F64)


def moments(mean, effects):
    return mean, effects @ effects.T


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


def published_levels(sigma_0, highest, lowest, ratio):
    """sigma_-K ... sigma_L around sigma_0 = sigma_0, with the index of each."""
    above = math.floor(math.log(highest / sigma_0) / -math.log(ratio))
    below = math.floor(math.log(sigma_0 / lowest) / -math.log(ratio))
    rising = [(i, sigma_0 * (highest / sigma_0) ** (-i / above)) for i in range(-above, 0)]
    return [*rising, *((i, sigma_0 * (lowest / sigma_0) ** (i / below)) for i in range(below + 1))]


def plain_langevin(lecture, solver, states):
    """Kawar, Vaksman, Elad (2021), Algorithm 2; where all was measured it is Algorithm 1.

    Their x_M and x_R are what was measured, all with noise sigma_0, and the rest; a denoiser call
    at sigma_L follows.
    """
    measured, c, done = torch.isfinite(lecture.sd), solver.step_size, 0
    y, sigma_0 = lecture.observed, float(lecture.sd.min())
    levels = published_levels(sigma_0, solver.sigma_max, solver.sigma_min, solver.ratio)
    if bool(measured.all()):
        levels, x = levels[-levels[-1][0] - 1 :], y
    else:
        first, share = levels[0][1], c / 2
        start = (1 - share) ** 0.5 * lecture.draw(0) + share**0.5 * lecture.draw(1)
        width = torch.where(measured, (first**2 - sigma_0**2) ** 0.5, first)
        x = lecture.where(measured, y, lecture.mean) + diag(width, start)
    denoised = x
    for i, sigma in levels[1:]:
        for _ in range(solver.repeats if i else 0):
            if done == len(states) - 1:
                return x, denoised
            denoised = lecture.denoise(x, sigma)
            score = (denoised - x) / sigma**2
            if i < 0:
                g = lecture.where(measured, (y - x) / (sigma**2 - sigma_0**2), score)
            else:
                pull = score + (y - x) / (sigma_0**2 - sigma**2)
                g = lecture.where(measured, pull, score)
            alpha = c * sigma**2
            x = x + alpha * g + (2 * alpha) ** 0.5 * lecture.draw(2 + done)
            done += 1
    if done < len(states) - 1:
        assert done == len(states) - 2
        denoised = lecture.denoise(x, solver.sigma_min)
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


def restart(lecture, solver, states, network=False):
    levels, restarts = states[0].levels.tolist(), states[0].restarts
    sd, w, r = lecture.sd, lecture.observed, levels[0]
    old, new = lecture.draw(0), lecture.draw(1)
    middle = lecture.basis.T @ torch.full((SIZE,), 0.5, dtype=F64)
    centre = lecture.constant(middle) if network else lecture.mean
    noisy = centre + r * (old + new) / 2**0.5
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
            kappa, more = solver.kappa, solver.s_noise or (1.03 if network else 1.0)
            louder = 1 + (more - 1) * (~measured).to(F64)
            if kappa is None:  # alone: together as far as 64 whole ones
                kappa = torch.full_like(sd, max(0.0, 1 - 64 / restarts) ** 0.5)
                if network and following < r:  # and as far as 16 where something was measured
                    kappa[measured] = max(0.0, 1 - 16 / restarts) ** 0.5
                if following < r:
                    kappa = kappa.clamp(min=0.85 * measured.to(F64))
            k, c = torch.where(measured, (following / sd).clamp(max=1) ** 2, 0), kappa**2
            c = torch.as_tensor(c, dtype=F64).expand_as(k)
            pulled = diag(1 - k, denoised) + diag(k, w)
            kept = c * following / r
            width = louder * following * ((1 - c) * (1 - k) / 2).sqrt()
            x = diag(1 - kept, pulled) + diag(kept, x) + diag(width, n + fresh)
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


def split_gibbs(lecture, solver, states):
    levels, sweeps = states[0].levels.tolist(), states[0].sweeps
    root = 3**0.5
    widths = (9 - 3 * root) / 4, (9 + 3 * root) / 4
    shares = (3 + 2 * root) / 9, (3 - 2 * root) / 9
    measured = torch.isfinite(lecture.sd)

    def sweep(denoised, level, groups):
        x = denoised
        for t, b in zip(widths, shares, strict=True):
            k = torch.where(measured, t * (level / lecture.sd) ** 2, 0)
            for group in groups:
                noise = lecture.draw(group + widths.index(t))
                pulled = denoised + diag(k / (1 + k), lecture.observed - denoised)
                given = pulled + diag(level * (t / (1 + k)).sqrt(), noise)
                x = x + b * (given - denoised)
        return x

    x, old, draws = sweep(lecture.mean, levels[0], (0, 2)), 2, 4
    denoised, before, r = x, None, levels[0]
    for done in range(1, len(states)):
        denoised = lecture.denoise(x, r)
        if done == len(levels):
            x = denoised
            break
        following = levels[done]
        if done <= sweeps:
            x, old, draws = sweep(denoised, following, (old, draws)), draws, draws + 2
        else:
            h, ahead = math.log(r / following), denoised
            if done - 1 > sweeps:
                past = math.log(levels[done - 2] / r)
                ahead = denoised + min(h / past, 1) / 2 * (denoised - before)
            e = math.exp(-2 * h)
            x = e * x + (1 - e) * ahead + following * (1 - e) ** 0.5 * lecture.draw(draws)
            draws += 1
        before, r = denoised, following
    return x, denoised
