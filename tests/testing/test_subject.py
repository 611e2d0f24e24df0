"""What a part is tried on: its kind, its shapes, its images and its domain."""

from __future__ import annotations

import attrs
import pytest
import torch
from small_parts import Gamma, Langevin, Matrix, Poisson, a_matrix, planted

import invprob as ip
from invprob.contracts import Domain
from invprob.errors import InputError
from invprob.testing import conforms, subject
from invprob.testing.reference import GaussianImages, WhiteNoise, gaussian_problems, posterior


@pytest.mark.parametrize(
    ("part", "kind"),
    [
        (WhiteNoise(), "likelihood"),
        (Poisson(), "likelihood"),
        (GaussianImages(), "prior"),
        (Matrix(a_matrix(4, 6)), "operator"),
        (Langevin(), "solver"),
    ],
)
def test_the_kind_follows_from_the_methods(part, kind):
    assert subject(part).kind == kind


@attrs.frozen
class OnlySamples:
    def sample(self, shape, generator, /):
        return torch.randn(shape, generator=generator)


@attrs.frozen
class OnlyColour:
    def denoise(self, x, sigma, /):
        return x

    def domain(self):
        return Domain(channels=(3,), sigma=(0.1, 0.2))


def test_a_sampler_of_shapes_is_a_prior():
    assert subject(OnlySamples()).kind == "prior"


def test_what_has_no_kind_is_refused_with_advice():
    with pytest.raises(InputError, match="kind='likelihood'"):
        subject(object())
    with pytest.raises(InputError, match="kind='noise'"):
        subject(Gamma(), kind="noise")


def test_a_prior_is_asked_within_its_domain():
    found = subject(OnlyColour())
    assert all(shape[0] == 3 for shape in found.shapes)
    assert found.case(0).sigma_range == (0.1, 0.2)


def test_shapes_are_found_by_asking():
    assert subject(Matrix(a_matrix(4, 6))).shapes == ((1, 2, 3),)
    assert subject(ip.Mask(torch.ones(4, 9))).shapes == ((4, 9),)
    assert subject(WhiteNoise(), shape=(2, 5)).shapes == ((2, 5),)
    blurred = ip.Gaussian(sigma=0.1, operator=ip.CircularBlur(torch.ones(3, 3)))
    assert subject(blurred).template.small == (1, 3, 3)


def test_images_can_be_given_as_a_range_or_as_a_function():
    case = subject(Gamma(), images=(0.4, 0.5)).case(0)
    assert 0.4 <= float(case.image().min()) <= float(case.image().max()) <= 0.5
    flat = subject(Gamma(), images=lambda shape, generator: torch.full(shape, 0.7)).case(0)
    assert torch.equal(flat.image(), torch.full((2, 1, 8, 8), 0.7).double())


def test_a_solver_is_tried_on_the_problem_that_is_given():
    problem = next(gaussian_problems((1, 4, 6)))
    assert subject(Langevin(), problem=problem).shapes == ((1, 4, 6),)
    assert conforms(Langevin(), problem=problem, examples=1)


@attrs.frozen
class Exacting(Langevin):
    def init(self, problem, streams, x0, /):
        if isinstance(problem.likelihood, WhiteNoise):
            raise InputError("noise is beneath me")
        return Langevin.init(self, problem, streams, x0)


def test_a_solver_that_refuses_noise_gets_exact_data():
    problem = subject(Exacting()).case(0).problem
    assert isinstance(problem.likelihood, ip.Gaussian)
    best, deviation = posterior(problem)
    seen = problem.y != 0
    assert torch.allclose(best[seen], problem.y[seen], atol=1e-4)
    assert torch.allclose(best[~seen], torch.tensor(0.5).double())
    assert deviation == pytest.approx(0.15 / 2**0.5, rel=1e-3)


def test_a_prior_with_a_narrow_range_of_noise_is_asked_within_it():
    part = planted(OnlyColour(), domain=lambda self: Domain(channels=(3,), sigma=(0.7, 2.0)))
    assert subject(part).case(0).sigma_range == (0.7, 0.7)


class Corner(WhiteNoise):
    """Noise of the first 3 x 3 pixels, which does not say of what images."""

    def sample(self, x, generator, /):
        return WhiteNoise.sample(self, x[..., :3, :3], generator)


def test_images_are_those_that_a_measurement_leads_back_to():
    assert all(max(shape[-2:]) <= 3 for shape in subject(Corner()).shapes)


class Joined(WhiteNoise):
    """Noise that takes the batch for a part of the image."""

    def sample(self, x, generator, /):
        return WhiteNoise.sample(self, x, generator).flatten()


def test_a_batch_that_is_lost_is_told():
    with pytest.raises(InputError, match="the rows of its measurements are not those of the im"):
        subject(Joined())


@attrs.frozen
class Failing(Langevin):
    def init(self, problem, streams, x0, /):
        if isinstance(problem.likelihood, WhiteNoise):
            raise ZeroDivisionError
        return Langevin.init(self, problem, streams, x0)


def test_a_solver_that_fails_on_the_usual_problem_is_tried_on_it_all_the_same():
    assert isinstance(subject(Failing()).case(0).problem.likelihood, WhiteNoise)


def test_the_usual_image_comes_first():
    assert subject(WhiteNoise()).shapes[0] == (1, 8, 8)
