"""Compositions of noises and filters that are refused, and capabilities that they withdraw."""

import pytest
import torch
from noise_examples import BLUR, MIXED, image

import invprob as ip
from invprob.compatibility import lacks
from invprob.contracts import (
    Annealed,
    Differentiable,
    HasLikelihood,
    LocallyGaussian,
    LocallyLinear,
    MatchesScore,
    Proximal,
    SamplesGivenGaussian,
    ScoresData,
    Spectral,
    Stabilises,
)
from invprob.likelihoods.pixelwise import Pixelwise

SINGULAR = ip.CircularBlur(torch.full((1, 2), 0.5))  # blind to the highest frequency


def test_a_mixture_checks_the_shapes_of_its_noise():
    prior = ip.GaussianPrior(mean=torch.full((1, 6, 7), 0.5), sd=0.2)
    for noise in (
        ip.Gaussian(torch.full((3, 3), 0.1)),
        ip.ColouredGaussian(0.1, ip.Dense(torch.eye(9), (1, 3, 3))),
    ):
        with pytest.raises(ip.InputError, match="3, 3"):
            ip.Problem(prior, ip.Mixture(noise, 0.1), image())


@pytest.mark.parametrize("wrap", [ip.Correlated, lambda n, A: ip.ColouredGaussian(0.1, A)])
def test_a_filter_that_can_not_be_undone(wrap):
    for bad in (ip.Mask(torch.tensor([1.0, 0.0])), torch.eye(3), ip.CorrelationFilter):
        with pytest.raises(ip.InputError, match="can't correlate noise"):
            wrap(ip.Gamma(26), bad)
    noise, y = wrap(ip.Gamma(26), SINGULAR), torch.rand(1, 1, 4, 4)
    with pytest.raises(ip.InputError, match="zero at 4 frequencies"):
        noise.check_measurement(y)
    with pytest.raises(ip.InputError, match="zero at 4 frequencies"):
        ip.Mixture(ip.Correlated(ip.Gamma(26), SINGULAR), 0.1).check_measurement(y)
    odd = SINGULAR.forward(0.1 + y[..., :3])  # an odd width has no such frequency
    wrap(ip.Gamma(26), SINGULAR).check_measurement(odd)


@pytest.mark.parametrize(
    "wrap",
    [
        lambda A: ip.Correlated(ip.Gaussian(0.1), A),
        lambda A: ip.ColouredGaussian(0.1, A),
        lambda A: ip.ColouredSignalDependent(0.1, 0.05, A),
    ],
)
def test_a_filter_that_single_precision_can_not_undo(wrap):
    wide, y = ip.CircularBlur.named("gaussian2.5"), torch.rand(1, 1, 64, 64)
    with pytest.raises(ip.InputError, match=r"can hardly be inverted: in torch.float32"):
        wrap(wide).check_measurement(y)
    wrap(wide).check_measurement(y.double())
    wrap(ip.CircularBlur.named("gaussian1")).check_measurement(y)


@pytest.mark.parametrize("noise", [None, ip.Gamma, ip.CorrelationFilter()])
def test_what_is_no_noise(noise):
    for wrap in (
        lambda n: ip.Correlated(n, BLUR),
        lambda n: ip.Mixture(n, 0.1),
        ip.autograd,
        ip.iterative_prox,
    ):
        with pytest.raises(ip.InputError, match="no likelihood"):
            wrap(noise)


PIXEL_BY_PIXEL = {
    HasLikelihood,
    Differentiable,
    ScoresData,
    Proximal,
    SamplesGivenGaussian,
    LocallyGaussian,
}


def test_withdrawn_capabilities():
    assert set(ip.Gamma(1.0).withdrawn()) == {MatchesScore}
    assert ip.Gamma(1.01).withdrawn() == {}
    for capability in (Proximal, SamplesGivenGaussian, LocallyGaussian):
        assert lacks(ip.Rayleigh(3.0), capability) is None
    assert set(ip.Mixture(ip.Gamma(26), 0.1).withdrawn()) == {ScoresData, Stabilises}
    assert set(MIXED["gamma + gaussian"].withdrawn()) == {Stabilises}
    filtered = ip.Mixture(ip.Correlated(ip.Gamma(26), BLUR), 0.1)
    assert set(filtered.withdrawn()) == PIXEL_BY_PIXEL | {Pixelwise, Stabilises}
    assert "behind the filter" in filtered.withdrawn()[Proximal]
    linear = {Annealed, Spectral, LocallyLinear}
    assert set(ip.Correlated(ip.Gamma(26), BLUR).withdrawn()) == linear
    assert set(ip.Correlated(ip.Gaussian(0.1), BLUR).withdrawn()) == {LocallyGaussian}
    reflecting = ip.CorrelationFilter("reflect")
    assert set(ip.ColouredGaussian(0.1, reflecting).withdrawn()) == {Annealed, Spectral}


def test_what_was_withdrawn_refuses_to_run():
    y, step = torch.rand(1, 1, 4, 4), torch.tensor(0.1)
    filtered = ip.Mixture(ip.Correlated(ip.Gamma(26), BLUR), 0.1)
    for call in (
        lambda: filtered.log_prob(y, y),
        lambda: filtered.prox(y, y, step),
        lambda: ip.Mixture(ip.Gamma(26), 0.1).score_y(y, y),
        lambda: ip.Gamma(0.5).match_score(y, y, y),
        lambda: ip.ColouredGaussian(0.1, ip.CorrelationFilter("reflect")).spectrum((1, 4, 4)),
    ):
        with pytest.raises(ip.IncompatibleError, match=" is not "):
            call()
    with pytest.raises(ip.InputError, match="exact=True"):
        ip.Mixture(ip.Correlated(ip.Gamma(26), BLUR), 0.1, exact=True)


def test_a_sum_behind_a_filter_has_no_density_of_its_pixels():
    summed = ip.Mixture(ip.Correlated(ip.Gamma(26), BLUR), 0.04)
    with pytest.raises(ip.InputError, match="no pixel of w stands alone.*It takes a log_density"):
        ip.Observed(summed, BLUR)
