r"""The most probable image, by gradient ascent on the log posterior density.

    x̂ = argmaxₓ  beta log p(y | x) + log p(x)

beta = 1 is maximum a posteriori. Larger values trust the measurement more, and are worth trying:
even under a perfect prior the mode of a high-dimensional posterior is not its mean, and where the
prior has many modes, beta of 2 to 4 often has the smaller error. (With a Gaussian prior mode and
mean agree, and beta = 1 is best.) A method that averages (`Restart`, `PnP`) does better than
either; the mode's merit is that it needs nothing but a density, such as a normalizing flow's.

The ascent is Adam, elementwise and so indifferent to the scale of the objective; the learning rate
falls along a cosine to zero. Three guards, for densities that are wild away from the images:

* a gradient longer than three times its running root mean square is cut to that;
* the best image met is returned, not the last;
* a row whose objective has not risen for `patience` iterations goes back to its best image, and on
  from there at half the rate. At a thousandth of it, it is left alone.

The last is what makes more iterations better: while the cosine is high Adam circles around the
maximum, at a distance of about the rate.

With `space="latent"` the prior is a flow, and the ascent moves z with x = decode(z). The objective
is the same density *of x*: other coordinates and another path to the same maximum, if there is one
and the run is long enough. (Maximising the density of z would be another problem: modes move with
the coordinates.) An iteration takes two to four times as long. Of 8 noisy digits (sigma 0.25, the
embedded flow) the objective after 400 iterations was 2578 nats, and 2567 in image space; 2542 at a
rate of 0.02, and 2695 at 0.3, with less likely digits: 20.9 dB, and 23.2 at 0.1. None of these had
converged; images in image space, farther from the top, had 24.9.

As the rate falls to zero, so do the last steps, wherever the ascent is. What tells how far it got
is the objective: what it gained in the second half of the run, G nats, is about what is missing.
Near the top of a posterior that is about normal, d pixels are then off by sqrt(2 G / d) of its
standard deviations, root mean square; `remark` says so, and that a run has not converged where
this is more than a tenth. For 64 pixels with a Gaussian prior of smooth images, whose maximum is
known, it was 2.7, 0.73, 0.48 and 0.04 after 50, 200, 400 and 1600 iterations, and pixels were off
by 2.6, 1.1, 0.47 and 0.002.

What is exact: the gradients. Approximate: the maximum is a local one.

References: the method with a flow, Helminger et al. (2020). Blind Image Restoration with Flow
Based Priors. https://arxiv.org/abs/2009.04583; D. Kingma, J. Ba (2015). Adam. ICLR.
https://arxiv.org/abs/1412.6980
"""

from __future__ import annotations

import math
from typing import ClassVar, Literal, Protocol, get_args

import torch
from attrs import evolve, frozen
from torch import Tensor

from ..compatibility import lacks
from ..contracts import Differentiable, HasLatent, HasLikelihood, HasLogProb, Needs
from ..counts import check_count, real
from ..errors import InputError
from ..problem import Problem
from ..streams import Streams
from .first_image import first_image

Space = Literal["image", "latent"]

RATES: dict[Space, float] = {"image": 0.02, "latent": 0.1}
"""The learning rate, by default."""

MOMENTS = (0.9, 0.99)
LONGEST = 3.0
CONVERGED = 0.1
"""As far from the top, in standard deviations of the posterior, a run has converged."""

HALVINGS = 10
"""A row that waited so often for a better image is left alone."""


class Likelihood(HasLikelihood, Differentiable, Protocol):
    """A density of measurements and its gradient in the image."""


@frozen(eq=False)
class MAPState:
    """A run of `MAP` between two iterations.

    Attributes:
        point: where the next gradient is taken, images `(B, *image)` or their latents.
        first: Adam's running mean of the gradient, like `point`.
        second: Adam's running mean of its square, like `point`.
        best: the best images so far, `(B, *image)`.
        objective: theirs, in nats, `(B,)`.
        waited: iterations since then, or since the rate was halved, `(B,)`.
        halved: how often it was, `(B,)`.
        halfway: the objective in the middle of the run, `(B,)`; before, as it is.
        done: how many iterations are done.
    """

    point: Tensor
    first: Tensor
    second: Tensor
    best: Tensor
    objective: Tensor
    waited: Tensor
    halved: Tensor
    halfway: Tensor
    done: int


@frozen
class MAP:
    """The image that maximises `beta log p(y | x) + log p(x)`.

    Args:
        beta: the weight of the measurement, > 0.
        iterations: gradients taken, at most.
        learning_rate: the first iterations move a pixel by about this, in units of the image, by
            default 0.02; in latent space, in units of the latent, by default 0.1.
        space: move the image, or the latent of a prior that has one.
        patience: iterations without a better image after which the rate of a row is halved, and
            after the tenth time the row stops.

    Raises:
        InputError: a value out of range; in use: the prior has no latent space, its density has
            no gradient, or the start has probability 0.

    >>> import torch, invprob as ip
    >>> prior = ip.GaussianPrior(mean=torch.full((1, 2, 2), 0.5), sd=0.2)
    >>> problem = ip.Problem(prior, ip.Gaussian(sigma=0.1), torch.ones(1, 1, 2, 2))
    >>> ip.solve(problem, ip.MAP()).x[0, 0, 0]
    tensor([0.9000, 0.9000])

    Method, what is exact, references: help("invprob.solvers.map").
    """

    beta: float = 1.0
    iterations: int = 400
    learning_rate: float | None = None
    space: Space = "image"
    patience: int = 100

    needs: ClassVar[Needs] = Needs(prior=(HasLogProb,), likelihood=(HasLikelihood, Differentiable))
    stochastic: ClassVar[bool] = False

    def __attrs_post_init__(self) -> None:
        for name, value in (("iterations", self.iterations), ("patience", self.patience)):
            check_count(name, value)
        for name, number in (("beta", self.beta), ("learning_rate", self.learning_rate)):
            if number is not None and not 0 < real(number, name) < math.inf:
                raise InputError(f"{name}={number}; it must be positive and finite")
        if self.space not in get_args(Space):
            raise InputError(f"space={self.space!r}; give 'image' or 'latent'")

    def steps(self, problem: Problem[HasLogProb, Likelihood], /) -> int:
        """The number of gradients."""
        return self.iterations

    def init(
        self, problem: Problem[HasLogProb, Likelihood], streams: Streams, x0: Tensor | None, /
    ) -> MAPState:
        """x0, or what the measurement alone suggests.

        Raises:
            InputError: the prior has no latent space, or y is impossible given the start.
        """
        x = first_image(problem, x0)
        possible = torch.isfinite(problem.likelihood.log_prob(problem.y, x))
        if not bool(possible.all()):
            raise InputError(
                f"{problem.likelihood!r} gives y the probability 0 for the image to start from, "
                f"in row {int((~possible).nonzero()[0])}; give a possible one: solve(..., x0=x0)"
            )
        point = self._point(problem, x)
        nothing, rows = torch.zeros_like(point), x.new_full((len(x),), -torch.inf)
        waited = torch.zeros(len(x), dtype=torch.int64, device=x.device)
        return MAPState(point, nothing, nothing, x, rows, waited, waited, rows, 0)

    def step(
        self, problem: Problem[HasLogProb, Likelihood], state: MAPState, streams: Streams, /
    ) -> MAPState:
        """One gradient of the objective and one step of Adam."""
        active, done = state.halved < HALVINGS, state.done + 1
        if not bool(active.any()):
            return evolve(state, done=done)
        x, objective, gradient = self._evaluate(problem, state.point)
        better = active & (objective > state.objective)
        best = torch.where(_rows(better, x), x, state.best)
        waited = torch.where(better, 0, state.waited + 1)
        stuck = active & (waited >= self.patience)
        back = self._point(problem, best) if bool(stuck.any()) else state.point
        first, second, step = self._adam(state, gradient)
        moved = state.point + torch.ldexp(step, -_rows(state.halved, step))
        moved = torch.where(_rows(stuck, step), back, moved)
        reached = torch.where(better, objective, state.objective)
        return MAPState(
            torch.where(_rows(active, step), moved, state.point),
            torch.where(_rows(stuck, first), 0, first),
            second,
            best,
            reached,
            torch.where(stuck, -1, waited),  # the best is met again first, and is no better
            state.halved + stuck.long(),
            reached if 2 * done <= max(self.iterations, 2) else state.halfway,
            done,
        )

    def finished(self, state: MAPState, /) -> str:
        """That no row moves any more."""
        if bool((state.halved < HALVINGS).any()):
            return ""
        return (
            f"no better image for {self.patience} steps, at a learning rate halved {HALVINGS} "
            "times"
        )

    def remark(self, state: MAPState, /) -> str:
        """What the second half of the run gained; empty where there was none, or not all of it."""
        cut = state.done < self.iterations and not self.finished(state)
        if cut or 2 * state.done <= max(self.iterations, 2):
            return ""
        gains = (state.objective - state.halfway).nan_to_num(0.0)
        worst = int(gains.argmax())
        gain, best = float(gains[worst]), float(state.objective[worst])
        off = math.sqrt(2 * gain / state.best[0].numel())
        rose = f"the objective, {best:.6g}, rose by {gain:.2g} nats in the second half of the run"
        far = f"pixels are off by about {off:.2g} standard deviations of the posterior"
        if off <= CONVERGED:
            return f"{rose}: it has converged, {far}"
        return (
            f"{rose}: it has not converged, {far}. Take more iterations, for example "
            f"iterations={4 * self.iterations}"
        )

    def estimate(self, state: MAPState, /) -> Tensor:
        """The best image met."""
        return state.best

    def _point(self, problem: Problem[HasLogProb, Likelihood], x: Tensor) -> Tensor:
        """Where the gradient at an image is taken: the image, or its latent."""
        if self.space == "image":
            return x
        if reason := lacks(problem.prior, HasLatent):
            raise InputError(
                f"{problem.prior!r} has no latent space ({reason}); take space='image'"
            )
        assert isinstance(problem.prior, HasLatent)
        return problem.prior.encode(x)[0]

    def _evaluate(
        self, problem: Problem[HasLogProb, Likelihood], point: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """The image, its objective `(B,)`, and the objective's gradient in `point`."""
        prior, likelihood, y = problem.prior, problem.likelihood, problem.y
        with torch.enable_grad():
            point = point.detach().requires_grad_()
            x = point
            if self.space == "latent":
                assert isinstance(prior, HasLatent)
                x = prior.decode(point)
            image = x.detach()
            log_prior = prior.log_prob(x)
            if not log_prior.requires_grad:
                raise InputError(
                    f"log_prob of {prior!r} has no gradient; compute it without torch.no_grad()"
                )
            pull = self.beta * likelihood.grad_x(y, image)
            (gradient,) = torch.autograd.grad(log_prior.sum() + (pull * x).sum(), point)
        objective = self.beta * likelihood.log_prob(y, image) + log_prior.detach()
        return image, objective, gradient.nan_to_num(0.0, 0.0, 0.0)

    def _adam(self, state: MAPState, gradient: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The two running means, and the step."""
        slow, slower = MOMENTS
        if state.done:
            usual = state.second.flatten(1).sum(1) / (1 - slower**state.done)
            length = gradient.flatten(1).norm(dim=1)
            excess = (length / (LONGEST * usual.sqrt())).nan_to_num(0.0).clamp(min=1)
            gradient = gradient / _rows(excess, gradient)
        done = state.done + 1
        first = torch.lerp(gradient, state.first, slow)
        second = torch.lerp(gradient.square(), state.second, slower)
        rate = self.learning_rate or RATES[self.space]
        rate *= 0.5 * (1 + math.cos(math.pi * state.done / self.iterations))
        direction = first / (1 - slow**done)
        size = (second / (1 - slower**done)).sqrt()
        tiny = torch.finfo(size.dtype).tiny
        return first, second, rate * direction / size.clamp(min=tiny)


def _rows(values: Tensor, like: Tensor) -> Tensor:
    """One value for each row, so that it meets a batch."""
    return values.reshape(-1, *[1] * (like.ndim - 1))
