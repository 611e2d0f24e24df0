"""Networks of diffusion models as denoisers: held against a prior whose answers are known."""

from types import SimpleNamespace

import pytest
import torch
from torch import nn

import invprob as ip
from invprob.errors import InputError

LINEAR = torch.linspace(1e-4, 0.02, 1000, dtype=torch.float64)
ALPHAS = (1 - LINEAR).cumprod(0)


def exact():
    """Two kinds of images of one pixel row, in [0, 1]."""
    means = torch.tensor([[0.2, 0.3, 0.4], [0.8, 0.6, 0.7]], dtype=torch.float64).view(2, 1, 1, 3)
    covariances = torch.eye(3, dtype=torch.float64).expand(2, 3, 3) * 0.01
    return ip.GaussianMixturePrior(torch.tensor([0.4, 0.6]), means, covariances)


def diffused(predicts, prior=None):
    """The network of a diffusion model that has learned `exact()` without a mistake."""
    prior = prior or exact()

    def network(x, t):
        where = t.clamp(0, 999)
        low = where.floor().long().clamp(max=998)
        levels = ((1 - ALPHAS) / ALPHAS).sqrt().log()
        spread = torch.lerp(levels[low], levels[low + 1], where - low).exp().view(-1, 1, 1, 1)
        alpha = 1 / (1 + spread.square())
        noisy = x / alpha.sqrt()
        clean = 2 * prior.denoise((noisy + 1) / 2, spread.flatten() / 2) - 1
        noise = (noisy - clean) / spread
        return {
            "epsilon": noise,
            "x": clean,
            "v": alpha.sqrt() * noise - (1 - alpha).sqrt() * clean,
        }[predicts]

    return network


@pytest.mark.parametrize("predicts", ["epsilon", "x", "v"])
@pytest.mark.parametrize("sigma", [0.0051, 0.0123, 0.1, 1.0, 78.0])
def test_answers_are_the_exact_posterior_mean(predicts, sigma):
    prior = ip.DenoiserPrior.from_diffusion(diffused(predicts), ALPHAS, predicts)
    x = exact().sample((4, 1, 1, 3), ip.generator(0)) + sigma * torch.randn(
        4, 1, 1, 3, generator=ip.generator(1), dtype=torch.float64
    )
    torch.testing.assert_close(
        prior.denoise(x, sigma),
        exact().denoise(x, torch.tensor(sigma, dtype=torch.float64)),
        atol=1e-9 * (1 + sigma),
        rtol=0,
    )


def test_posterior_samples_are_those_of_the_exact_prior():
    noise = ip.Gaussian(0.2, ip.Mask(torch.tensor([[[1.0, 0.0, 1.0]]])))
    y = noise.sample(exact().sample((1, 1, 1, 3), ip.generator(0)), ip.generator(1))
    wrapped = ip.DenoiserPrior.from_diffusion(diffused("v"), ALPHAS, "v", shape=(1, 1, 3))
    results = [
        ip.solve(ip.Problem(prior, noise, y), ip.Restart(calls=20), samples=8, seed=3)
        for prior in (wrapped, ip.DenoiserPrior(exact().denoise, wrapped.domain()))
    ]
    torch.testing.assert_close(results[0].samples, results[1].samples, atol=1e-6, rtol=0)


def test_schedules_by_name():
    linear, cosine = (
        ip.DenoiserPrior.from_diffusion(diffused("x"), name).denoiser.levels
        for name in ("linear", "cosine")
    )
    torch.testing.assert_close(
        torch.tensor(linear), ((1 - ALPHAS) / ALPHAS).sqrt().float(), rtol=1e-6, atol=0
    )
    time = (500 + 1) / 1000  # the product of 1 - beta is the squared cosine, but for its start
    curve = [torch.cos(torch.tensor((t + 0.008) / 1.008 * torch.pi / 2)) ** 2 for t in (time, 0.0)]
    assert 1 / (1 + cosine[500] ** 2) == pytest.approx(float(curve[0] / curve[1]), rel=1e-4)


def test_the_steps_of_infinite_noise_are_left_out():
    """As in zero terminal SNR schedules: a_t of the last step is 0."""
    root = ((1 - torch.linspace(0.00085**0.5, 0.012**0.5, 1000) ** 2).cumprod(0)).sqrt()
    alphas = ((root - root[-1]) * root[0] / (root[0] - root[-1])) ** 2
    assert alphas[-1] == 0
    zero, without = (
        ip.DenoiserPrior.from_diffusion(lambda x, t: x, kept, "v")
        for kept in (alphas, alphas[:-1])
    )
    assert zero.domain() == without.domain()
    assert zero.denoiser.levels == without.denoiser.levels
    level = torch.tensor([zero.domain().sigma[1]])
    assert zero.denoiser.steps(2 * level).round() == 998


def test_whole_steps_and_tables():
    asked = []

    class Table(nn.Module):
        def __init__(self):
            super().__init__()
            self.steps = nn.Embedding(1000, 1)
            nn.init.zeros_(self.steps.weight)

        def forward(self, x, t):
            asked.append(t)
            return x * 0 + self.steps(t).view(-1, 1, 1, 1)

    x = torch.full((2, 3, 8, 8), 0.5)
    sigma = torch.tensor([0.005, 0.2])
    prior = ip.DenoiserPrior.from_diffusion(Table(), whole_steps=True)
    torch.testing.assert_close(prior.denoise(x, sigma), x)
    levels = torch.tensor(prior.denoiser.levels)
    assert asked[-1].dtype == torch.long
    torch.testing.assert_close(levels[asked[-1]], 2 * sigma, rtol=0.01, atol=0)
    with pytest.raises(InputError, match="whole_steps=True"):
        ip.DenoiserPrior.from_diffusion(Table()).denoise(x, sigma)


@pytest.mark.parametrize(
    "pack",
    [
        lambda out: SimpleNamespace(sample=out),
        lambda out: (out,),
        lambda out: torch.cat([out, out + 1], dim=1),
    ],
    ids=["sample", "tuple", "variances"],
)
def test_forms_of_answers(pack):
    prior = ip.DenoiserPrior.from_diffusion(lambda x, t: pack(x), predicts="x")
    x = torch.rand(2, 3, 8, 8, generator=ip.generator(0))
    sigma = 0.5
    expected = ((2 * x - 1) / (1 + (2 * sigma) ** 2) ** 0.5 + 1) / 2
    torch.testing.assert_close(prior.denoise(x, sigma), expected)


def test_networks_in_half_precision_answer_images_in_single_precision():
    network = nn.Conv2d(1, 1, 1).to(torch.bfloat16)
    seen = []

    class Half(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = network

        def forward(self, x, t):
            seen.append((x.dtype, t.dtype))
            return 0 * self.inner(x)

    prior = ip.DenoiserPrior.from_diffusion(Half())
    x = torch.rand(1, 1, 8, 8, generator=ip.generator(0))
    torch.testing.assert_close(prior.denoise(x, 0.01), x)  # a noise of zero, and no rounding of x
    assert seen == [(torch.bfloat16, torch.float32)]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"alphas_cumprod": LINEAR},
            r"\[1\] is .* after 0.0001, and all of it rises, as betas do",
        ),
        ({"alphas_cumprod": ALPHAS.flip(0)}, "fall"),
        ({"alphas_cumprod": [0.9, 0.0, 0.3, 0.1]}, r"alphas_cumprod\[1\] is 0 after 0.9;"),
        ({"alphas_cumprod": [0.9, 0.5, 0.5, 0.0]}, r"alphas_cumprod\[2\] is 0.5 after 0.5;"),
        ({"alphas_cumprod": [0.9, float("nan"), 0.1]}, r"alphas_cumprod\[1\] is nan"),
        ({"alphas_cumprod": [0.9, 0.0]}, "has 1 steps above 0"),
        ({"alphas_cumprod": [0.0, 0.0]}, r"alphas_cumprod\[0\] is 0;"),
        ({"alphas_cumprod": []}, "has 0 steps"),
        ({"alphas_cumprod": "sigmoid"}, "linear, cosine"),
        ({"alphas_cumprod": [1.0, 0.5]}, "below 1"),
        ({"alphas_cumprod": object()}, "no list of numbers"),
        ({"predicts": "noise"}, "epsilon"),
    ],
)
def test_settings_that_can_not_be(arguments, message):
    with pytest.raises(InputError, match=message):
        ip.DenoiserPrior.from_diffusion(diffused("x"), **arguments)


def test_networks_that_can_not_be():
    with pytest.raises(InputError, match="can't be called"):
        ip.DenoiserPrior.from_diffusion(3)
    with pytest.raises(InputError, match="training mode"):
        ip.DenoiserPrior.from_diffusion(nn.Dropout(0.5))
    prior = ip.DenoiserPrior.from_diffusion(lambda x, t: x[:, :, :4])
    with pytest.raises(InputError, match="of that shape"):
        prior.denoise(torch.rand(1, 3, 8, 8), 0.1)
    with pytest.raises(InputError, match="outside"):
        prior.denoise(torch.rand(1, 3, 8, 8), 0.001)


class Labelled(nn.Module):
    """Of three channels, with a class, which guided-diffusion asserts and others ask for."""

    def __init__(self):
        super().__init__()
        self.inner = nn.Conv2d(3, 3, 1)

    def forward(self, x, t, y=None):
        assert y is not None, "must specify y if the model is class-conditional"
        return self.inner(x) + y.view(-1, 1, 1, 1)


@pytest.mark.parametrize("network", [Labelled(), lambda x, t, y: x], ids=["asserts", "asks"])
def test_a_network_that_asks_for_a_class_is_told_how_to_have_it(network):
    x = torch.rand(2, 3, 4, 4, generator=ip.generator(0))
    with pytest.raises(InputError, match=r"lambda x, t: network\(x, t, torch.full") as refused:
        ip.DenoiserPrior.from_diffusion(network).denoise(x, 0.1)
    line = "lambda x, t: network(x, t, torch.full((len(x),), 207, device=x.device))"
    assert line in str(refused.value)
    given = eval(line, {"network": network, "torch": torch})
    assert ip.DenoiserPrior.from_diffusion(given).denoise(x, 0.1).shape == x.shape


def test_a_network_of_other_images_is_told_to_say_so():
    network = nn.Conv2d(1, 1, 3)
    prior = ip.DenoiserPrior.from_diffusion(lambda x, t: network(x))
    with pytest.raises(InputError, match=r"\(2, 3, 4, 4\) and steps \(2,\)") as refused:
        prior.denoise(torch.rand(2, 3, 4, 4), 0.1)
    assert "shape=(C, H, W)" in str(refused.value)
    assert "channels" in str(refused.value.__cause__)


def test_it_says_what_it_is():
    prior = ip.DenoiserPrior.from_diffusion(nn.Conv2d(3, 3, 1))
    assert "DiffusionNetwork(Conv2d, 1000 steps, predicts='epsilon')" in repr(prior)


def test_steps_have_the_precision_of_the_network():
    class Embedded(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(4, 1)

        def forward(self, x, t):
            waves = (t[:, None] * torch.arange(1.0, 5.0)).sin()
            return x * 0 + self.layer(waves).view(-1, 1, 1, 1)

    prior = ip.DenoiserPrior.from_diffusion(Embedded().eval())
    x = torch.rand(1, 1, 4, 4).double()
    assert prior.denoise(x, 0.1).dtype == torch.float64
