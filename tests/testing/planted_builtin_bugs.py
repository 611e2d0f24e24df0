"""Parts that invprob ships, with one bug each."""

from __future__ import annotations

import torch
from planted_other_bugs import svd_with
from small_parts import planted, rows

import invprob as ip
from invprob.contracts import SVD, Spectrum
from invprob.solvers.annealed_langevin import AnnealedLangevinState

kernel = torch.tensor([[0.1, 0.3, 0.0], [0.0, 0.4, 0.1], [0.0, 0.0, 0.1]])
holes = torch.arange(64).reshape(8, 8) % 3 > 0
mask, blur = ip.Mask(holes), ip.CircularBlur(kernel)
white = ip.Gaussian(sigma=0.1)
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
