"""A recommendation for every pair of parts that can be composed, and a refusal for the others."""

import pytest
import torch

import invprob as ip
from invprob.compatibility import accepts, lacks

PARTS = {kind: ip.catalogue().of_kind(kind) for kind in ("prior", "likelihood", "solver")}
SOLVERS = [part.example() for part in PARTS["solver"]]
SHAPE = (1, 8, 8)


def measured(likelihood, prior=None):
    """A problem with this likelihood, of a grey image."""
    prior = prior or ip.GaussianPrior(mean=torch.full(SHAPE, 0.5), sd=0.1)
    y = likelihood.sample(torch.full((1, *SHAPE), 0.5), ip.generator(0))
    return ip.Problem(prior, likelihood, y)


@pytest.mark.parametrize("samples", [False, True])
@pytest.mark.parametrize("prior", PARTS["prior"], ids=lambda part: part.name)
@pytest.mark.parametrize("likelihood", PARTS["likelihood"], ids=lambda part: part.name)
def test_every_pair_gets_a_solver_that_accepts_it_or_a_refusal(prior, likelihood, samples):
    problem = measured(likelihood.example(), prior.example())
    fit = [
        solver
        for solver in SOLVERS
        if accepts(solver, prior=problem.prior, likelihood=problem.likelihood)
        and (solver.stochastic or not samples)
    ]
    if not fit:
        with pytest.raises(ip.IncompatibleError, match="cannot solve this|No installed sampler"):
            ip.recommend(problem, samples=samples)
        return
    found = ip.recommend(problem, samples=samples)
    assert type(found.solver) in map(type, fit)
    sentence = str(found)
    assert sentence.startswith(f"{type(found.solver).__name__}, because ")
    assert sentence.endswith(".") and sentence.count(".") == 1


@pytest.mark.parametrize("likelihood", PARTS["likelihood"], ids=lambda part: part.name)
def test_without_a_solver_the_recommended_one_runs(likelihood):
    problem = measured(likelihood.example())
    accepted = (accepts(s, prior=problem.prior, likelihood=problem.likelihood) for s in SOLVERS)
    if not any(accepted):
        with pytest.raises(ip.IncompatibleError):
            ip.solve(problem)
        return
    result = ip.solve(problem)
    assert result.solver == ip.recommend(problem).solver
    assert result.steps == result.solver.steps(problem)
    assert bool(torch.isfinite(result.x).all())


@pytest.mark.parametrize(
    ("noise", "estimate", "sampler"),
    [
        (ip.Gaussian(sigma=0.1), "PnP", "Restart"),
        (ip.Poisson(peak=30), "PnP", None),
        (ip.Unobserved(), "PriorSampling", "PriorSampling"),
    ],
)
def test_what_is_taken_for_what(noise, estimate, sampler):
    problem = measured(noise)
    assert type(ip.solve(problem).solver).__name__ == estimate
    if sampler:
        assert type(ip.solve(problem, samples=2).solver).__name__ == sampler


def test_a_likelihood_without_prox_gets_a_gradient_method():
    class Smooth:
        def sample(self, x, generator):
            return x + 0.1 * torch.randn(x.shape, generator=generator)

        def grad_x(self, y, x):
            return (y - x) / 0.01

    assert isinstance(ip.recommend(measured(Smooth())).solver, ip.ProximalGradient)


def test_counts_of_a_blurred_image_get_an_estimate_by_their_prox():
    noise = ip.Observed(ip.Poisson(peak=30), ip.CircularBlur.named("uniform3"))
    assert isinstance(ip.recommend(measured(noise)).solver, ip.PnP)


def test_an_operator_without_singular_vectors_gets_samples_by_split_gibbs():
    operator = ip.Stack([ip.Mask.random((8, 8), 0.5), ip.Downsample(2)], image_shape=SHAPE)
    problem = measured(ip.Gaussian(sigma=0.1, operator=operator))
    assert isinstance(ip.recommend(problem, samples=True).solver, ip.SplitGibbs)
    assert isinstance(ip.recommend(problem).solver, ip.PnP)
    with pytest.raises(ip.IncompatibleError, match="Solvers that accept .*SplitGibbs"):
        ip.solve(problem, ip.Restart())


def test_skewed_noise_does_not_make_the_recommended_estimate_darker():
    x = ip.sample_photo()[..., 64:128, 64:128]
    noise = ip.SignalDependent(a=0.3, b=0.02)
    problem = ip.Problem(ip.DenoiserPrior.pretrained(), noise, noise.sample(x, ip.generator(1)))
    found, pnp = ip.solve(problem).x, ip.solve(problem, ip.PnP(unbiased=False)).x
    assert float(found.mean() / x.mean()) == pytest.approx(1, abs=0.07)
    assert float(ip.psnr(found, x)) > float(ip.psnr(pnp, x)) + 1


def test_a_likelihood_with_a_gradient_and_a_surrogate_gets_an_estimate_and_samples():
    class Near:
        def sample(self, x, generator, /):
            return ip.Gaussian(sigma=0.1).sample(x, generator)

        def grad_x(self, y, x, /):
            return (y - x) / 0.01

        def surrogate(self, y, x, sigma, /):
            return ip.pixelwise_surrogate(ip.Gaussian(sigma=0.1), y, x, sigma)

    assert isinstance(ip.recommend(measured(Near())).solver, ip.ProximalGradient)
    assert isinstance(ip.recommend(measured(Near()), samples=True).solver, ip.Restart)


def test_a_flow_gets_its_mode_and_a_measured_score_its_equation():
    noise = ip.Gaussian(sigma=0.1)
    kinds = {part.name: part.example() for part in PARTS["prior"]}
    assert isinstance(ip.recommend(measured(noise, kinds["flow"])).solver, ip.MAP)
    assert isinstance(ip.recommend(measured(noise, kinds["measured"])).solver, ip.ScoreEquation)


def test_samples_where_only_estimates_exist_are_refused_with_what_would_work():
    flow = ip.catalogue().get("prior", "flow").example()
    problem = measured(ip.Gaussian(sigma=0.1), flow)
    assert lacks(flow, ip.contracts.Denoises)
    with pytest.raises(ip.IncompatibleError, match="without samples, is possible: MAP") as caught:
        ip.solve(problem, samples=4)
    assert "is not Denoises" in str(caught.value)


class NoPrior:
    """It knows nothing."""

    def __repr__(self):
        return "NoPrior()"


def test_the_most_helpful_refusal():
    with pytest.raises(
        ip.IncompatibleError, match=r"PnP cannot .*\n.*NoPrior\(\) is not Denoises"
    ):
        ip.recommend(measured(ip.Gaussian(sigma=0.1), NoPrior()))
    # Of filtered speckle with noise only the score equation is known: the prior has to change.
    with pytest.raises(ip.IncompatibleError, match="ScoreEquation cannot") as refused:
        ip.recommend(measured(ip.xie2023(12)))
    assert "invprob train score FOLDER -l LIKELIHOOD" in str(refused.value)
    assert "--prior measured:file=score.safetensors" in str(refused.value)


def test_a_score_of_noisy_images_is_told_why_its_own_solver_fails():
    """And not that the others want a denoiser, which it can't be."""
    mask = ip.Mask(torch.ones(8, 8).index_fill(0, torch.tensor([2]), 0.0))
    problem = measured(ip.Gaussian(0.1, operator=mask), ip.MeasuredPrior(lambda y: -y))
    with pytest.raises(ip.IncompatibleError, match="ScoreEquation cannot") as refused:
        ip.solve(problem)
    assert "can't be undone" in str(refused.value)
    assert "Denoises" not in str(refused.value)


class OnlySamples:
    """It can be simulated, and nothing else."""

    def sample(self, x, generator, /):
        return x + 0.1 * torch.randn(x.shape, generator=generator)

    def __repr__(self):
        return "OnlySamples()"


@pytest.mark.parametrize(
    "prior", [None, ip.DenoiserPrior.pretrained()], ids=["gaussian", "photos"]
)
def test_a_likelihood_that_lacks_everything_is_to_blame_and_not_the_prior(prior):
    x = torch.full((1, *SHAPE), 0.5)
    prior = prior or ip.GaussianPrior(mean=x[0], sd=0.1)
    with pytest.raises(ip.IncompatibleError, match="^PnP cannot solve this") as refused:
        ip.solve(ip.Problem(prior, OnlySamples(), x))
    said = str(refused.value)
    assert "prior" not in said.replace("this prior and this likelihood together", "")
    assert "OnlySamples() is not Proximal" in said and "ip.iterative_prox(noise)" in said
    assert "ProximalGradient would do with a gradient" in said and "ip.autograd(noise)" in said


def test_samples_of_counts_behind_a_blur_are_those_of_split_gibbs_before_a_network():
    """`Restart` takes their noise for even there, and samples of photographs are too narrow."""
    network = ip.DenoiserPrior(lambda x, sigma: x)
    blur, mask = ip.CircularBlur.named("uniform3"), ip.Mask(torch.ones(8, 8))
    counts = ip.Poisson(peak=30)
    taken = {
        "SplitGibbs": measured(ip.Observed(counts, blur), network),
        "Restart": measured(ip.Observed(counts, mask), network),
    }
    for name, problem in taken.items():
        assert type(ip.recommend(problem, samples=True).solver).__name__ == name
    assert "too much alike" in str(ip.recommend(taken["SplitGibbs"], samples=True))
    for problem in (measured(ip.Observed(counts, blur)), measured(counts, network)):
        assert isinstance(ip.recommend(problem, samples=True).solver, ip.Restart)
    photograph = measured(ip.Gaussian(0.1, operator=ip.Blur(blur.kernel)), network)
    assert "no singular values" in ip.recommend(photograph, samples=True).reason
