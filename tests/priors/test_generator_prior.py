"""Priors that draw images behind a measurement themselves, and know one likelihood."""

import pytest
import torch

import invprob as ip
from invprob.cli.specs import make
from invprob.networks.generator import Architecture, PosteriorGenerator, law_of
from invprob.networks.stored_generator import write_generator

MASKS = [torch.ones(8, 8).index_fill(0, torch.tensor([row]), 0.0) for row in (2, 5)]


def network(likelihood, channels=1):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        named = {"noise": repr(likelihood), "law": law_of(likelihood)}
        return PosteriorGenerator(Architecture(channels, (8,), 1, **named)).requires_grad_(False)


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "sampler.safetensors"
    write_generator(network(ip.Gaussian(sigma=0.3)), path)
    return path


def measurement(channels=1):
    return torch.rand(2, channels, 8, 8, generator=ip.generator(0))


def by_name(file):
    return make("prior", f"generator:file={file}")


@pytest.mark.parametrize("load", [ip.GeneratorPrior.load, by_name])
def test_its_own_likelihood_and_no_other(file, load):
    prior = load(file)
    assert repr(prior) == f"GeneratorPrior.load({str(file)!r})"
    x = ip.solve(ip.Problem(prior, ip.Gaussian(sigma=0.3), measurement()), ip.PSCGAN()).x
    assert x.shape == (2, 1, 8, 8)
    with pytest.raises(ip.InputError, match=r"of Gaussian\(sigma=0.3\), and .*") as refused:
        ip.Problem(prior, ip.Gaussian(sigma=0.2), measurement())
    assert "are of Gaussian(sigma=0.2)." in str(refused.value)
    assert "invprob train sampler FOLDER -l LIKELIHOOD" in str(refused.value)
    with pytest.raises(ip.InputError, match="Poisson"):
        ip.Problem(prior, ip.Poisson(peak=30), measurement().round())


def test_a_number_may_be_a_tensor(file):
    prior = ip.GeneratorPrior.load(file)
    for kind in (torch.float32, torch.float64):
        ip.Problem(prior, ip.Gaussian(sigma=torch.tensor(0.3, dtype=kind)), measurement())
    with pytest.raises(ip.InputError):
        ip.Problem(prior, ip.Gaussian(sigma=torch.tensor(0.301)), measurement())


def test_another_mask_is_another_likelihood():
    """Though both read the same: 12 % of the pixels are missing."""
    noises = [ip.Gaussian(sigma=0.1, operator=ip.Mask(mask)) for mask in MASKS]
    assert repr(noises[0]) == repr(noises[1])
    prior = ip.GeneratorPrior(network(noises[0]))
    ip.Problem(prior, noises[0], measurement())
    with pytest.raises(ip.InputError, match="with other numbers in it"):
        ip.Problem(prior, noises[1], measurement())


def test_a_function_is_trusted():
    prior = ip.GeneratorPrior(lambda y, t, g: y)
    assert prior.refusal(ip.Gaussian(sigma=0.2)) == ""


def test_other_channels(file):
    prior = ip.GeneratorPrior.load(file)
    with pytest.raises(ip.InputError, match=r"C = 1"):
        ip.Problem(prior, ip.Gaussian(sigma=0.3), measurement(3))
    with pytest.raises(ip.InputError, match=r"\(2, 3, 8, 8\)"):
        prior.posterior_sample(measurement(3), 1.0, ip.generator(0))


def test_other_solvers_refuse_it(file):
    problem = ip.Problem(ip.GeneratorPrior.load(file), ip.Gaussian(sigma=0.3), measurement())
    with pytest.raises(ip.IncompatibleError, match="accept this prior and likelihood: PSCGAN"):
        ip.solve(problem, ip.Restart())
    for samples in (False, True):
        assert isinstance(ip.recommend(problem, samples=samples).solver, ip.PSCGAN)


def test_what_can_not_be():
    for draw in (1, PosteriorGenerator):
        with pytest.raises(ip.InputError, match="can't be called"):
            ip.GeneratorPrior(draw)
    for draw in (lambda y, t, g: y[:1], lambda y, t, g: y.numpy()):
        with pytest.raises(ip.InputError, match="one for each of the 2 rows"):
            ip.GeneratorPrior(draw).posterior_sample(measurement(), 1.0, ip.generator(0))
