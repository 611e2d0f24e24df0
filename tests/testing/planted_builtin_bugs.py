"""Parts that invprob ships, with one bug each."""

from __future__ import annotations

import torch
from planted_operator_bugs import svd_with
from small_parts import planted, rows

import invprob as ip
from invprob.contracts import SVD, Spectrum
from invprob.solvers.annealed_langevin import AnnealedLangevinState

kernel = torch.tensor([[0.1, 0.3, 0.0], [0.0, 0.4, 0.1], [0.0, 0.0, 0.1]])
holes = torch.arange(64).reshape(8, 8) % 3 > 0
mask, blur = ip.Mask(holes), ip.CircularBlur(kernel)
white = ip.Gaussian(sigma=0.1)
paper = ip.CorrelationFilter()
pair = ip.Gaussian(sigma=0.1, operator=ip.Stack([mask, ip.Downsample(2)], (1, 8, 8)))
coloured = ip.ColouredSignalDependent(a=0.1, b=0.05, A=paper)
separable = ip.SeparableBlur([0.2, 0.8], [1.0], "zero")
gray = torch.full((1, 2, 2), 0.5)
gauss = ip.GaussianPrior(mean=gray, sd=0.2)
modes = ip.GaussianMixturePrior(
    torch.tensor([0.8, 0.2]),
    torch.stack([0.8 * gray, 1.2 * gray]),
    0.01 * torch.eye(4).repeat(2, 1, 1),
)


def off_centre(self, y, /):
    return ip.CircularBlur.adjoint(blur, y).roll(1, -1)


def noise_in_the_holes(self, x, generator, /):
    return mask.forward(x) + 0.1 * torch.randn(x.shape, generator=generator, dtype=x.dtype)


def sigma_times_s(self, shape, /):
    exact = ip.Gaussian.spectrum(self, shape)
    s = 0.1 / exact.sd
    return Spectrum(sd=0.1 * s, v=exact.v, vt=exact.vt, observe=exact.observe)


def everything_is_seen(self, shape, /):
    exact = ip.Mask.svd(mask, shape)
    return SVD(torch.ones_like(exact.s), exact.v, exact.vt, exact.u, exact.ut)


def only_the_mask(y, v, step):
    seen = ip.Gaussian(sigma=0.1, operator=mask)
    return seen.prox(pair.operator.split(y)[0], v, step)


def perturbed_data_alone(self, y, v, rho, generator, /):
    noise = 0.1 * torch.randn(y.shape, generator=generator, dtype=y.dtype)
    return self.prox(y + noise, v, (rho**2).expand(len(v)))


def weighted_least_squares(self, y, v, step, /):
    level = (self.a * v + self.b).mean()
    return ip.ColouredGaussian(float(level), self.A).prox(y, v, step)


def twice_divided(y):
    svd = separable.svd(tuple(y.shape[1:]))
    return svd.v(svd.ut(y) / svd.s.to(y) ** 2)


def nearest_mode(self, x, sigma, /):
    centres = torch.tensor([0.4, 0.6]).to(x)
    centre = centres[(x.flatten(1).mean(1) > 0.5).long()].reshape(-1, *[1] * (x.ndim - 1))
    return centre + 0.01 / (0.01 + rows(sigma, x) ** 2) * (x - centre)


def too_hot(self, problem, state, streams, /):
    following = ip.AnnealedLangevin.step(ip.AnnealedLangevin(), problem, state, streams)
    return AnnealedLangevinState(
        **{
            name: value + 0.3 * streams.normal(value) if name == "x" else value
            for name, value in (
                (field.name, getattr(following, field.name))
                for field in AnnealedLangevinState.__attrs_attrs__
            )
        }
    )


BUGS = {
    "blur: kernel off centre in the adjoint": (
        ip.Gaussian(sigma=0.1, operator=planted(blur, adjoint=off_centre)),
        "grad_x_is_the_gradient_of_log_prob",
    ),
    "blur: an svd of another operator": (
        ip.Gaussian(sigma=0.1, operator=svd_with(blur, s=lambda exact: exact.s.clamp_min(0.5))),
        "prox_can_not_be_improved",
    ),
    "mask: holes are counted as measured": (
        planted(
            ip.Gaussian(sigma=0.1, operator=mask),
            log_prob=lambda self, y, x, /: white.log_prob(y, mask.forward(x)),
        ),
        "log_prob_fits_the_measurements_of_an_image",
    ),
    "mask: noise in the holes": (
        planted(ip.Gaussian(sigma=0.1, operator=mask), sample=noise_in_the_holes),
        "score_y_obeys_stein",
    ),
    "mask: s = 1 in the holes": (
        planted(mask, svd=everything_is_seen),
        "left_basis_is_orthonormal_where_seen",
    ),
    "gaussian: sigma s for sigma / s": (
        planted(ip.Gaussian(sigma=0.1, operator=blur), spectrum=sigma_times_s),
        "spectrum_gives_the_likelihood",
    ),
    "gaussian: noise twice as strong as it says": (
        planted(white, sample=lambda self, x, g, /: ip.Gaussian(sigma=0.2).sample(x, g)),
        "score_y_obeys_stein",
    ),
    "mixture: algorithm 5 said to invert the exact score": (
        planted(
            ip.Mixture(ip.Gamma(alpha=9), sigma=0.1),
            equation=lambda self, y, x, /: self._smoothed(y, x).score_y,
        ),
        "match_score_solves_the_score_equation",
    ),
    "mixture behind a filter: the white noise filtered too": (
        planted(
            ip.xie2023(12),
            equation=lambda self, y, x, /: ip.Correlated(ip.xie2023(11), paper).equation(y, x),
        ),
        "match_score_solves_the_score_equation",
    ),
    "stack: a prox that leaves one part out": (
        planted(pair, prox=lambda self, y, v, step, /: only_the_mask(y, v, step)),
        "prox_can_not_be_improved",
    ),
    "stack: draws without the noise of the prior": (
        planted(pair, sample_given=perturbed_data_alone),
        "posterior_draws_of_an_image_obey_stein",
    ),
    "coloured signal-dependent: a prox that forgets log u": (
        planted(coloured, prox=weighted_least_squares),
        "prox_can_not_be_improved",
    ),
    "separable: divides by s twice": (
        planted(separable, inverse=lambda self, y, /: twice_divided(y)),
        "inverse_undoes_forward",
    ),
    "gaussian prior: shrinks half": (
        planted(
            gauss, denoise=lambda self, x, s, /: (x + ip.GaussianPrior.denoise(gauss, x, s)) / 2
        ),
        "score_and_denoiser_obey_tweedie",
    ),
    "mixture: the nearest mode only": (
        planted(modes, denoise=nearest_mode),
        "denoiser_leaves_no_explainable_error",
    ),
    "mixture: weights forgotten in sampling": (
        planted(
            modes,
            sample=lambda self, shape, g, /: ip.GaussianMixturePrior(
                torch.ones(2), modes.means, modes.covariances
            ).sample(shape, g),
        ),
        "log_prob_fits_the_images",
    ),
    "pnp: said to be random": (planted(ip.PnP(), stochastic=True), "stochastic_tells_the_truth"),
    "restart: said not to be": (
        planted(ip.Restart(), stochastic=False),
        "stochastic_tells_the_truth",
    ),
    "langevin: too hot": (
        planted(ip.AnnealedLangevin(), step=too_hot),
        "a_full_run_is_as_near_as_a_sample",
    ),
}
