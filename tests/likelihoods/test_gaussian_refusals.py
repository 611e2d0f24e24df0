"""Gaussian noise: levels, operators and shapes that are refused, and what is withdrawn."""

import math

import pytest
import torch
from gaussian_examples import NOISES, SHAPE, Shear, image, levels

import invprob as ip
from invprob.contracts import Annealed, MatchesScore, Spectral


def test_what_is_withdrawn_and_why():
    assert ip.Gaussian(sigma=0.1).withdrawn() == {}
    assert set(NOISES["mask"].withdrawn()) == {MatchesScore}
    no_svd = ip.Gaussian(sigma=0.1, operator=Shear()).withdrawn()
    assert set(no_svd) == {Annealed, Spectral, MatchesScore}
    assert "no SVD (Dense(matrix, image_shape) or a method `svd` gives one)" in no_svd[Spectral]
    mixed = ip.Gaussian(sigma=levels(), operator=ip.CircularBlur(torch.ones(1, 2)))
    assert set(mixed.withdrawn()) == {Annealed, Spectral}
    with pytest.raises(ip.IncompatibleError, match="sigma differs between pixels"):
        mixed.annealed_score(image(0), image(0), image(0), torch.tensor(1.0))


@pytest.mark.parametrize("shape", [(4, 3), (2, *SHAPE), (7, 1, 1), (2,)])
def test_a_sigma_that_does_not_fit_is_refused_wherever_it_is_used(shape):
    noise, x, step = ip.Gaussian(sigma=torch.full(shape, 0.1)), image(0), torch.tensor(0.1)
    for use in (
        lambda: noise.sample(x, ip.generator(0)),
        lambda: noise.log_prob(x, x),
        lambda: noise.grad_x(x, x),
        lambda: noise.score_y(x, x),
        lambda: noise.match_score(x, x, x),
        lambda: noise.prox(x, x, step),
        lambda: noise.sample_given(x, x, step, ip.generator(0)),
        lambda: noise.annealed_score(x, x, x, step),
        lambda: noise.spectrum(tuple(x.shape[1:])),
        lambda: noise.check_measurement(x),
    ):
        with pytest.raises(ip.InputError, match="does not broadcast") as error:
            use()
        assert str(shape) in str(error.value)


def test_a_noise_level_keeps_all_its_digits():
    assert ip.Gaussian(sigma=0.1).sigma == 0.1
    assert ip.Gaussian(sigma=[0.1, 0.2]).sigma.tolist() == [0.1, 0.2]
    assert ip.Gaussian(sigma=torch.tensor(0.5)).sigma == 0.5


@pytest.mark.parametrize("sigma", [0, -1.0, math.nan, math.inf, "loud", [0.1, 0.0]])
def test_impossible_sigma(sigma):
    with pytest.raises(ip.InputError, match="sigma="):
        ip.Gaussian(sigma=sigma)


def test_the_offending_entry_of_sigma_is_named():
    sigma = torch.full(SHAPE, 0.1)
    sigma[1, 2, 3] = -0.5
    with pytest.raises(ip.InputError, match=r"sigma=-0.5 at index \(1, 2, 3\)"):
        ip.Gaussian(sigma=sigma)


def test_impossible_operator_and_shapes():
    with pytest.raises(ip.InputError, match="no linear operator"):
        ip.Gaussian(sigma=0.1, operator=torch.ones(3))
    with pytest.raises(ip.InputError, match="does not broadcast"):
        ip.Gaussian(sigma=torch.full((3, 3), 0.1)).check_measurement(image(0))
    with pytest.raises(ip.InputError, match="mask"):
        ip.Gaussian(sigma=0.1, operator=ip.Mask(torch.ones(3, 3))).check_measurement(image(0))


def test_a_text_is_no_noise_level():
    with pytest.raises(ip.InputError, match="sigma='0.1' is neither a number.*: it is a text"):
        ip.Gaussian("0.1")


def sums(scale):
    """A scan whose numbers are as large as scale."""
    return ip.from_callable(lambda x: scale * x.sum(-1), image_shape=SHAPE)


def test_what_is_loud_is_so_in_the_unit_of_the_measurement():
    for operator in (ip.Identity(), ip.Mask(torch.ones(SHAPE))):
        with pytest.raises(ip.InputError, match=r"sigma=12: images live in .* sigma=12 / 255"):
            ip.Gaussian(12.0, operator=operator)
    noise = ip.Gaussian(12.0, operator=sums(30.0))
    y = noise.sample(torch.rand(1, *SHAPE, generator=ip.generator(0)), ip.generator(1))
    noise.check_measurement(y)
    loud = ip.Gaussian(12.0, operator=sums(1e-3))
    with pytest.raises(ip.InputError, match=r"sigma=12, but from_callable.* unit of y"):
        loud.check_measurement(1e-3 * y)


def test_an_operator_of_pixels_may_have_a_unit_of_its_own():
    class Thousandfold:
        def forward(self, x, /):
            return 1e3 * x

        adjoint = forward

        def diagonal(self, shape, /):
            return torch.tensor(1e3)

        def out_shape(self, shape, /):
            return tuple(shape)

    ip.Gaussian(20.0, operator=Thousandfold()).check_measurement(torch.rand(1, *SHAPE))


def test_a_level_for_each_measurement_of_a_batch_is_explained():
    noise = ip.Gaussian(torch.full((8, 1, 1, 1), 0.1))
    with pytest.raises(ip.InputError, match="measurements of a batch share it.*another problem"):
        noise.check_measurement(torch.full((8, *SHAPE), 0.5))
