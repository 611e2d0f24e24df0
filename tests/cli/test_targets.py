"""Point targets of a radar, estimates below black, and advice in the unit of a file."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import tifffile
import torch
from attrs import frozen

from invprob.cli.run import Run
from invprob.cli.targets import multiplies, takes_negatives, without_negatives
from invprob.contracts import Denoises, MatchesScore, Needs
from invprob.likelihoods.gamma import Gamma
from invprob.likelihoods.gaussian import Gaussian
from invprob.likelihoods.poisson import Poisson
from invprob.likelihoods.rayleigh import Rayleigh
from invprob.result import Result
from invprob.solvers.pnp import PnP


@pytest.fixture
def radar(folder):
    """Speckle in which white is 400, with and without two point targets."""
    x = torch.full((1, 1, 60, 50), 0.4)
    y = Gamma(4.0).sample(x, torch.Generator().manual_seed(0))[0, 0].numpy() * 400
    tifffile.imwrite("plain.tif", y)
    y[10, 10], y[40, 30] = 200_000, 90_000
    tifffile.imwrite("radar.tif", y)
    return y


@pytest.mark.parametrize("noise", [Gamma(4.0), Rayleigh(0.3)])
def test_targets_are_as_measured_and_spoil_nothing(radar, parts, noise):
    prior, method = parts.priors["denoiser"](), PnP(iterations=4)
    run = Run(prior, noise, method, white=400)
    with pytest.warns(UserWarning, match="2 pixels are far above white, up to 500 times as"):
        problem = run.problem("radar.tif", None)
    x = run.solve(problem, method).x
    assert float(x[0, 0, 10, 10]) == 500 and float(x[0, 0, 40, 30]) == 225
    plain = run.solve(run.problem("plain.tif", None), method).x
    x[0, 0, 10, 10], x[0, 0, 40, 30] = plain[0, 0, 10, 10], plain[0, 0, 40, 30]
    assert float((x - plain).abs().max()) < 0.3


def test_targets_of_many_images(invprob, radar, parts):
    said = invprob("solve plain.tif radar.tif --white 400 -l gamma:alpha=4 -o clean/")
    assert said.stderr.count("far above white") == 1
    assert tifffile.imread("clean/radar.tif")[10, 10] == 200_000


def test_a_solver_that_takes_no_mask_is_given_none(radar, parts):
    """And keeps the pixels, if they are not too bright for the problem."""
    once = parts.solvers["pnp"]

    class Matching(once):
        needs = Needs(prior=(Denoises,), likelihood=(MatchesScore,))

    tifffile.imwrite("radar.tif", np.minimum(radar, 12 * 400))
    for method, left_out in ((once(), True), (Matching(), False)):
        run = Run(parts.priors["denoiser"](), Gamma(4.0), method, white=400)
        with warnings.catch_warnings(record=True) as said:
            problem = run.problem("radar.tif", None)
        assert (problem.likelihood is not run.noise) == left_out == bool(said)


@pytest.mark.parametrize(
    ("noise", "known"), [(Gamma(4.0), True), (Poisson(20.0), True), (Gaussian(0.1), False)]
)
def test_no_estimate_is_negative_under_a_law_of_a_brightness(noise, known):
    samples = torch.where(torch.arange(36).view(1, 1, 1, 6, 6) % 3 == 0, -0.2, 0.4)
    found = Result(samples, 1, "", ())
    if not known:
        assert without_negatives(found, noise) is found
        return
    with pytest.warns(UserWarning, match=r"33.3% of the result's values were negative"):
        clamped = without_negatives(found, noise)
    assert torch.equal(clamped.samples, samples.clamp(min=0))
    few = Result(torch.cat([samples, torch.ones(1, 1, 1, 6000, 6)], 3), 1, "", ())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert float(without_negatives(few, noise).samples.min()) == 0


def test_what_multiplies():
    shape = (1, 8, 8)
    assert multiplies(Gamma(1.0), shape) and multiplies(Rayleigh(0.2), shape)
    assert not multiplies(Poisson(5.0), shape) and not multiplies(Gaussian(0.1), shape)
    assert not multiplies(Gaussian(torch.full((1, 5, 7), 0.1)), (1, 5, 7))


class Faulty(Gamma):
    """A law with a bug."""

    def sample(self, x, generator, /):
        raise RuntimeError("a bug")


def test_an_error_of_a_law_that_is_not_for_dark_images_is_shown():
    with pytest.raises(RuntimeError, match="a bug"):
        multiplies(Faulty(4.0), (1, 8, 8))
    with pytest.raises(RuntimeError, match="a bug"):
        takes_negatives(Faulty(4.0), torch.ones(1, 1, 8, 8))


@pytest.mark.parametrize(
    ("dtype", "lowest", "typed", "advice"),
    [
        (np.float32, 0, "--white 400", "--black -0.7843 --white 400"),
        (np.float32, -3, "--white 400", "--black -3.784 --white 400"),
        (np.float32, 20, "--black 20 --white 400", "--black 19.25 --white 400"),
        (np.uint16, 0, "--white 400", "--black -0.5 --white 400"),
        (np.uint8, 0, "", "--black -0.5 --white 255"),
    ],
)
def test_black_is_lifted_in_the_unit_of_the_file(invprob, folder, dtype, lowest, typed, advice):
    numbers = np.full((12, 10), 200, dtype)
    numbers[0, :3] = lowest
    tifffile.imwrite("dark.tif", numbers)
    said = invprob(f"solve dark.tif {typed} -l gamma:alpha=4 -o x.tif", code=2).stderr
    assert f"on the command line: {advice} lifts black pixels by half a level" in said
    invprob(f"solve dark.tif {advice} -l gamma:alpha=4 -o x.tif")


@frozen
class OneBit:
    """A pixel is on as often as it is bright: a law of images in [0, 1] alone."""

    def sample(self, x, generator, /):
        assert bool(((x >= 0) & (x <= 1)).all())
        return torch.bernoulli(x, generator=generator)


def test_a_law_of_images_from_black_to_white_is_asked_about_no_other():
    assert not multiplies(OneBit(), (1, 8, 8))
    assert not takes_negatives(OneBit(), torch.ones(1, 1, 8, 8))
