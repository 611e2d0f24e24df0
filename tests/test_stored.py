"""Results in files: what can't be pickled is left out, and the rest is as it was."""

import copy
import io
import pickle

import pytest
import torch

import invprob as ip

Y = torch.rand(1, 1, 16, 16, generator=ip.generator(0))
BLUR = ip.DenoiserPrior(lambda x, sigma: x.mean((2, 3), keepdim=True).expand_as(x))
SMOOTH = ip.GaussianPrior(mean=torch.full((1, 16, 16), 0.5), sd=0.2)


def saved(result):
    file = io.BytesIO()
    torch.save(result, file)
    file.seek(0)
    return torch.load(file, weights_only=False)


def pickled(result):
    return pickle.loads(pickle.dumps(result))


@pytest.mark.parametrize("store", [saved, pickled, copy.deepcopy])
@pytest.mark.parametrize(
    ("prior", "solver"),
    [
        (BLUR, ip.PnP(iterations=2)),
        (SMOOTH, ip.PnP(iterations=2)),
        (ip.GeneratorPrior(lambda y, t, g: 0.5 * y), ip.PSCGAN(average=2)),
    ],
    ids=["lambda", "plain", "draws"],
)
def test_images_and_words_stay(store, prior, solver):
    result = ip.solve(ip.Problem(prior, ip.Gaussian(sigma=0.1), Y), solver)
    again = store(result)
    assert torch.equal(again.samples, result.samples)
    assert again.history == result.history
    assert torch.equal(again.misfit(), result.misfit())
    assert str(again) == str(result)
    assert repr(again.problem) == repr(result.problem)
    assert str(pickled(again)) == str(result)
    again.plot(measured=True)


def test_a_part_that_was_left_out_says_so_on_use():
    again = pickled(ip.solve(ip.Problem(BLUR, ip.Gaussian(sigma=0.1), Y), ip.PnP(iterations=2)))
    for solver in (None, ip.PnP()):
        with pytest.raises(ip.IncompatibleError, match="was left out when this result was stored"):
            ip.solve(again.problem, solver)
    assert not isinstance(again.problem.likelihood, type(again.problem.prior))


def test_a_likelihood_and_a_solver_within_a_function():
    class Local(ip.PnP):
        """A solver that no other process can import."""

    operator = ip.from_callable(lambda x: 2 * x, image_shape=(1, 16, 16))
    noise = ip.Gaussian(sigma=0.1, operator=operator)
    result = ip.solve(ip.Problem(SMOOTH, noise, 2 * Y), Local(iterations=2))
    again = pickled(result)
    with pytest.raises(ip.InputError, match="left out when this result was stored"):
        again.misfit()
    assert "no misfit: " in str(again)
    assert repr(again.solver) == repr(result.solver)
    assert torch.equal(again.x, result.x)
    whole = copy.deepcopy(result)
    assert torch.equal(whole.misfit(), result.misfit())
