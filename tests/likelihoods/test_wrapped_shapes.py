"""Wrappers know of what images a measurement was made, and whose filter does not fit it."""

import pytest
import torch
from attrs import frozen
from noise_examples import BLUR, image, measure

import invprob as ip
from invprob.likelihoods.delegation import image_shape_behind, least_y

HALF = ip.Observed(ip.SignalDependent(a=0.1, b=0.05), ip.Downsample(2))
WRAPPED = [
    HALF,
    ip.Correlated(HALF, BLUR),
    ip.Mixture(HALF, 0.1),
    ip.autograd(HALF),
    ip.iterative_prox(HALF),
    ip.Mixture(ip.Correlated(ip.autograd(HALF), BLUR), 0.1),
]


@pytest.mark.parametrize("noise", WRAPPED, ids=repr)
def test_the_images_are_those_of_the_noise(noise):
    assert noise.image_shape((1, 4, 3)) == (1, 8, 6)
    x = torch.full((2, 1, 8, 6), 0.5)
    assert noise.sample(x, ip.generator(0)).shape == (2, 1, 4, 3)


@pytest.mark.parametrize("make", [ip.Correlated, lambda noise, A: ip.Mixture(noise, 0.1)])
def test_a_filter_that_changes_the_shape_is_refused(make):
    noise = make(ip.Correlated(ip.Gamma(26), ip.Hadamard(4)), BLUR)
    with pytest.raises(ip.InputError, match="a map that keeps the shape"):
        noise.check_measurement(torch.ones(1, 1, 4, 4))


def test_a_filter_is_tried_on_more_than_the_measurement():
    lost = ip.CircularBlur.named("gaussian2")
    noise = ip.Correlated(ip.Gaussian(0.1), lost)
    with pytest.raises(ip.InputError, match="can hardly be inverted"):
        noise.check_measurement(torch.full((1, 1, 32, 32), 0.5))


@frozen
class Half:
    """What can be undone, and is no operator."""

    def inverse(self, y, /):
        return y * float("nan")

    def inverse_adjoint(self, x, /):
        return x

    def log_abs_det(self, shape, /):
        return torch.zeros(())


@frozen
class Lost(Half):
    """An operator whose inverse finds no number."""

    def forward(self, x, /):
        return x

    def adjoint(self, y, /):
        return y

    def out_shape(self, shape, /):
        return tuple(shape)


def test_what_has_an_inverse_alone_is_no_filter():
    with pytest.raises(ip.InputError, match="can't correlate noise"):
        ip.Correlated(ip.Gamma(26), Half())


def test_an_inverse_that_is_no_number_is_none():
    noise = ip.Correlated(ip.Gaussian(0.1), Lost())
    with pytest.raises(ip.InputError, match="differs from a standard normal z by nan"):
        noise.check_measurement(torch.ones(1, 1, 4, 4))


class Reads:
    """An operator that fails on shapes of other lengths, in its own words."""

    def forward(self, x, /):
        return x.mean(1)

    def adjoint(self, y, /):
        return y[:, None].expand(-1, 3, -1, -1) / 3

    def out_shape(self, shape, /):
        return shape[1], shape[2]


def test_an_operator_that_fails_on_the_shape_is_asked_for_another():
    with pytest.raises(ip.InputError, match=r"no method image_shape\(shape\)"):
        image_shape_behind(Reads(), (4, 4))


def test_a_wrapped_noise_without_a_least_measurement_has_none():
    plain, x = ip.SignalDependent(0.1, 0.05), image()
    for wrapped in (ip.autograd(plain), ip.iterative_prox(plain)):
        assert bool((least_y(wrapped, x) == -torch.inf).all())
        y = measure(ip.Mixture(plain, 0.1), x)
        found = ip.Mixture(wrapped, 0.1).equation(y, x)
        torch.testing.assert_close(found, ip.Mixture(plain, 0.1).equation(y, x))


@pytest.mark.parametrize("A", [BLUR, ip.Dense(torch.eye(3) + torch.ones(3, 3).triu(1), (3,))])
def test_scores_of_filtered_noise_are_matched_whatever_the_filter(A):
    """A Aᵀ is not Aᵀ A where A is no convolution."""
    shape = (3,) if isinstance(A, ip.Dense) else (1, 6, 7)
    x = 0.2 + 0.6 * torch.rand(2, *shape, generator=ip.generator(0), dtype=torch.float64)
    for noise in (ip.ColouredGaussian(0.1, A), ip.ColouredSignalDependent(0.05, 0.02, A)):
        y = measure(noise, x)
        found = noise.match_score(y, noise.score_y(y, x), y)
        torch.testing.assert_close(found, x, rtol=0, atol=1e-8)


@pytest.mark.parametrize(
    "make",
    [
        lambda: ip.ColouredGaussian(0.1, BLUR),
        lambda: ip.Gaussian(0.1, operator=BLUR),
        lambda: ip.Gaussian(0.1, operator=ip.Mask(torch.eye(6)[:, :1])),
        lambda: ip.Gaussian(torch.full((1, 1), 0.1), operator=ip.Mask(torch.ones(1, 1))),
    ],
)
def test_one_noise_for_images_of_several_sizes_and_precisions(make):
    noise, step = make(), torch.tensor(0.1)
    for width, dtype in ((4, torch.float32), (4, torch.float64), (6, torch.float64)):
        y = torch.rand(2, 1, 6, width, generator=ip.generator(0), dtype=dtype)
        for name, given in (("prox", (y, 1 - y, step)), ("log_prob", (y, 1 - y))):
            found, wanted = (getattr(one, name)(*given) for one in (noise, make()))
            assert torch.equal(found, wanted) and found.dtype == dtype
