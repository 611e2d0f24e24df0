"""`FlowPrior`: its density, its samples, and what it refuses."""

import math
import pickle

import pytest
import torch
from torch import Generator

from invprob import contracts
from invprob.cli.specs import make
from invprob.contracts import Domain
from invprob.diagnostics.metrics import psnr
from invprob.drive import solve
from invprob.errors import InputError, WeightsError
from invprob.likelihoods.gaussian import Gaussian
from invprob.networks.glow import Architecture, Glow
from invprob.networks.stored_glow import write_glow
from invprob.priors.flow import FlowPrior, standard_normal_log_prob
from invprob.problem import Problem
from invprob.solvers.map import MAP

PIXELS = (1, 1, 2)


def made_up(shape=PIXELS, depths=(3,), scale=0.2):
    """A float64 Glow with every weight away from its start, about as wide as images are."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        flow = Glow(Architecture(shape, depths, 8)).double()
        with torch.no_grad():
            for parameter in flow.parameters():
                parameter.add_(scale * torch.randn(parameter.shape, dtype=torch.float64))
            for level in flow.levels:
                level[0].log_scale.add_(1.0)
    return flow.requires_grad_(False)


@pytest.fixture(scope="module")
def prior():
    return FlowPrior(made_up())


@pytest.fixture(scope="module")
def grid(prior):
    """A square that holds all samples with room to spare: points, log-densities, area of each."""
    x = prior.sample((2000, *PIXELS), Generator().manual_seed(0)).double()
    middle, reach = x.mean(), 3 * (x - x.mean()).abs().max()
    axis = middle + reach * torch.linspace(-1, 1, 401, dtype=torch.float64)
    points = torch.cartesian_prod(axis, axis).view(-1, *PIXELS)
    return points, prior.log_prob(points), float(axis[1] - axis[0]) ** 2


def test_capabilities(prior):
    for capability in (contracts.HasLogProb, contracts.HasLatent, contracts.SamplesPrior):
        assert isinstance(prior, capability)
    for capability in (contracts.Scores, contracts.Denoises):
        assert not isinstance(prior, capability)


def test_density_integrates_to_one(grid):
    _, log_prob, area = grid
    mass = float(log_prob.exp().sum()) * area
    assert mass == pytest.approx(1, abs=2e-3)


def test_samples_follow_the_density(prior, grid):
    points, log_prob, area = grid
    density = log_prob.exp() * area
    pixels = points.flatten(1)
    mean = (density[:, None] * pixels).sum(0)
    covariance = torch.cov(pixels.T, aweights=density)
    entropy = -float((density * log_prob).sum())
    x = prior.sample((40_000, *PIXELS), Generator().manual_seed(1)).double()
    drawn = x.flatten(1)
    error = drawn.std(0) / 200
    assert ((drawn.mean(0) - mean).abs() < 5 * error).all()
    torch.testing.assert_close(drawn.T.cov(), covariance, rtol=0.05, atol=0.05 * covariance.max())
    surprise = -prior.log_prob(x)
    assert float(surprise.mean()) == pytest.approx(entropy, abs=5 * float(surprise.std()) / 200)


def test_log_prob_is_the_change_of_variables(prior):
    x = torch.rand(3, *PIXELS, generator=Generator().manual_seed(0), dtype=torch.float64)
    z, log_det = prior.encode(x)
    normal = torch.distributions.Normal(0, 1).log_prob(z).sum((1, 2, 3))
    torch.testing.assert_close(prior.log_prob(x), normal + log_det)
    torch.testing.assert_close(standard_normal_log_prob(z), normal)


def test_gradient(prior):
    x = torch.rand(2, *PIXELS, generator=Generator().manual_seed(0), dtype=torch.float64)
    assert torch.autograd.gradcheck(prior.log_prob, x.requires_grad_())


def test_temperature():
    prior = FlowPrior(made_up((1, 4, 4), (2, 1)))
    shape = (500, 1, 4, 4)
    spread = [
        float(prior.sample(shape, Generator().manual_seed(0), temperature=t).std(0).mean())
        for t in (0.0, 0.5, 1.0)
    ]
    assert spread[0] == 0
    assert 0.4 < spread[1] / spread[2] < 0.6
    with pytest.raises(InputError, match="temperature=-1"):
        prior.sample(shape, Generator(), temperature=-1)


def test_samples_depend_on_the_generator_alone(prior):
    before = torch.random.get_rng_state()
    first, second = (prior.sample((2, *PIXELS), Generator().manual_seed(3)) for _ in range(2))
    assert torch.equal(first, second)
    assert torch.equal(before, torch.random.get_rng_state())


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.float16, torch.bfloat16])
def test_precision_of_the_image_is_kept(prior, dtype):
    x = torch.full((2, *PIXELS), 0.5, dtype=dtype)
    assert prior.log_prob(x).dtype == dtype
    assert prior.log_prob(x).isfinite().all()


def test_any_flow_will_do():
    class Scaling:
        def encode(self, x):
            return 3 * x, x.new_full(x.shape[:1], 2 * math.log(3))

        def decode(self, z):
            return z / 3

    prior = FlowPrior(Scaling())
    assert prior.domain() == Domain() and repr(prior) == "FlowPrior(Scaling)"
    x = torch.rand(4, 1, 1, 2, generator=Generator().manual_seed(0))
    expected = torch.distributions.Normal(0, 1 / 3).log_prob(x).sum((1, 2, 3))
    torch.testing.assert_close(prior.log_prob(x), expected)


def test_what_is_no_flow():
    with pytest.raises(InputError, match="no methods encode"):
        FlowPrior("glow")


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (torch.zeros(1, 3, 1, 2), r"C in \(1,\)"),
        (torch.zeros(1, 1, 4, 4), r"\(B, 1, 1, 2\)"),
        (torch.zeros(1, 2), r"C in \(1,\)"),
        (torch.zeros(1, 1, 1, 2, dtype=torch.uint8), r"uint8.*float\(\) / 255"),
    ],
)
def test_images_outside_the_domain(prior, x, message):
    for function in (prior.log_prob, prior.encode):
        with pytest.raises(InputError, match=message):
            function(x)


def test_other_shapes_can_not_be_drawn(prior):
    with pytest.raises(InputError, match=r"\(1, 4, 4\) were asked of FlowPrior\(Glow\)"):
        prior.sample((1, 1, 4, 4), Generator())


def test_load(tmp_path):
    flow = made_up().float()
    path = tmp_path / "mine.safetensors"
    write_glow(flow, path)
    prior = FlowPrior.load(path)
    assert repr(prior) == f"FlowPrior.load({str(path)!r})"
    assert prior.domain() == flow.domain()
    x = torch.rand(2, *PIXELS, generator=Generator().manual_seed(0))
    torch.testing.assert_close(
        prior.log_prob(x), FlowPrior(flow).log_prob(x), rtol=1e-2, atol=1e-2
    )
    with pytest.raises(WeightsError, match="can't read"):
        FlowPrior.load(tmp_path / "none.safetensors")


def test_a_file_that_changes_is_read_again(tmp_path):
    path, x = tmp_path / "mine.safetensors", torch.full((1, *PIXELS), 0.5)
    write_glow(made_up(), path)
    first = FlowPrior.load(path).log_prob(x)
    write_glow(made_up(scale=0.3), path)
    assert FlowPrior.load(path).log_prob(x) != first


def ring():
    """A nought, as one might write it."""
    axis = torch.arange(28) - 13.5
    distance = ((axis[:, None] / 9) ** 2 + (axis / 6) ** 2).sqrt()
    return torch.exp(-((distance - 1).abs() / 0.22).pow(4))[None, None]


def test_the_embedded_flow_knows_digits():
    prior = FlowPrior.pretrained()
    assert repr(prior) == "FlowPrior.pretrained('digits')" and prior.domain().shape == (1, 28, 28)
    x = ring()
    noise = torch.randn(x.shape, generator=Generator().manual_seed(0))
    others = [1 - x, x + 0.1 * noise, 0.5 + 0.2 * noise, x.roll(9, 3)]
    assert all(prior.log_prob(x) > prior.log_prob(other) for other in others)
    torch.testing.assert_close(prior.decode(prior.encode(x)[0]), x, rtol=0, atol=1e-4)
    assert pickle.loads(pickle.dumps(prior)).log_prob(x) == prior.log_prob(x)


def test_maximum_a_posteriori_with_the_embedded_flow_removes_noise():
    x = ring()
    y = x + 0.2 * torch.randn(x.shape, generator=Generator().manual_seed(0))
    problem = Problem(make("prior", "flow"), Gaussian(sigma=0.2), y)
    estimate = solve(problem, MAP(iterations=150)).x
    assert psnr(estimate, x).item() > psnr(y, x).item() + 5


def test_no_other_flow_is_embedded():
    with pytest.raises(InputError, match="'faces'; type 'digits'"):
        FlowPrior.pretrained("faces")
