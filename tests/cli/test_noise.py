"""What came before the noise, `-A`, with every kind of noise."""

import numpy as np
import pytest
import torch

from invprob.catalogue import catalogue
from invprob.cli.noise import make_noise
from invprob.errors import InputError
from invprob.likelihoods.gaussian import Gaussian
from invprob.likelihoods.observed import Observed
from invprob.streams import generator


@pytest.fixture(autouse=True)
def parts():
    """The real catalogue, in place of this folder's small one."""
    return catalogue()


def test_gaussian_noise_takes_the_operator_itself(folder):
    assert repr(make_noise("gaussian:sigma=0.1", None)) == "Gaussian(sigma=0.1)"
    noise = make_noise("gaussian:sigma=0.1", "mask:file=mask.png")
    assert isinstance(noise, Gaussian)
    assert float(noise.operator.forward(torch.ones(1, 1, 12, 10)).mean()) == pytest.approx(2 / 3)


@pytest.mark.parametrize(
    "text",
    [
        "poisson:peak=30",
        "gamma:alpha=9",
        "rayleigh:scale=0.3",
        "signal-dependent:a=0.2,b=0.05",
        "poisson-gaussian:peak=30,sigma=0.02",
        "mixture:noise=(gamma:alpha=9),sigma=0.05",
        "xie2023-3",
    ],
)
def test_noise_of_single_pixels_is_put_behind_it(text):
    noise, alone = make_noise(text, "downsample:factor=2"), make_noise(text, None)
    assert isinstance(noise, Observed)
    assert repr(noise.noise) == repr(alone)
    x = torch.rand(1, 1, 6, 8, generator=generator(0)) + 0.1
    coarse = x.unfold(2, 2, 2).unfold(3, 2, 2).mean((-1, -2))
    y = noise.sample(x, generator(1))
    torch.testing.assert_close(y, alone.sample(coarse, generator(1)))
    torch.testing.assert_close(noise.log_prob(y, x), alone.log_prob(y, coarse))


def test_observed_takes_it_from_either_place():
    apart = make_noise("observed:noise=(gamma:alpha=9)", "downsample:factor=2")
    within = make_noise("observed:noise=(gamma:alpha=9),operator=(downsample:factor=2)", None)
    assert repr(apart) == repr(within)
    with pytest.raises(InputError, match="has an operator already; leave out -A downsample"):
        make_noise(
            "observed:noise=(gamma:alpha=9),operator=(downsample:factor=2)", "downsample:factor=2"
        )


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("unobserved", "nothing was measured, so nothing came before; leave -A out"),
        ("coloured-gaussian:sigma=0.1", "log_density.*say what the filter is applied to"),
        ("correlated:noise=(gamma:alpha=9)", "log_density.*say what the filter is applied to"),
        ("mixture:noise=(correlated:noise=(gamma:alpha=9)),sigma=0.1", "Mixture.*no pixel of w"),
        ("xie2023-12", "Mixture.*no pixel of w stands alone"),
    ],
)
def test_what_has_no_place_for_it_is_refused_in_words(text, why):
    with pytest.raises(InputError, match=f"-l {text[:10]}.* -A downsample:factor=2: .*{why}"):
        make_noise(text, "downsample:factor=2")


def test_the_sentence_can_be_typed(folder):
    with pytest.raises(InputError) as refused:
        make_noise("correlated:noise=(gamma:alpha=9)", "mask:file=mask.png")
    advice = str(refused.value).split('"')[1].replace("m.png", "mask.png")
    assert repr(make_noise(advice, None)).startswith("Correlated(noise=Observed(noise=Poisson(")


def test_noise_is_in_the_unit_of_what_an_operator_makes(folder):
    """Sums of many pixels may be as loud as they like, and pixels may not."""
    np.save("sums.npy", np.ones((3, 64)))
    typed = "gaussian:sigma=5"
    assert make_noise(typed, "dense:file=sums.npy,image_shape=1,8,8").sigma == 5
    for operator in (None, "mask:file=mask.png"):
        with pytest.raises(InputError, match="would drown any"):
            make_noise(typed, operator)
