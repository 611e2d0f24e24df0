"""Networks of one's own: at rest, and in their own precision, or it is said."""

import pytest
import torch
from torch import nn
from torch.nn.utils.parametrizations import spectral_norm

import invprob as ip
from invprob.priors.own_network import check_at_rest


class Own(nn.Module):
    """A network that is asked for (x, sigma), with a layer that may matter."""

    def __init__(self, layer):
        super().__init__()
        self.convolution, self.layer = nn.Conv2d(1, 1, 3, padding=1), layer

    def forward(self, x, sigma=None, generator=None):
        return self.layer(self.convolution(x))

    def encode(self, x):
        return x, x.new_zeros(len(x))

    def decode(self, z):
        return z


class Asking(nn.Module):
    """A layer of a third party."""

    def forward(self, x):
        return nn.functional.dropout(x, 0.5, self.training)


class Decorated(nn.Module):
    """The same, where the question does not stand in the class itself."""

    @torch.no_grad()
    def forward(self, x):
        return nn.functional.dropout(x, 0.5, self.training)


class Within(nn.Module):
    """The same in a function within a property."""

    @property
    def drawn(self):
        return lambda x: nn.functional.dropout(x, 0.5, self.training)

    def forward(self, x):
        return self.drawn(x)


MATTER = {
    "Decorated": Decorated(),
    "Within": Within(),
    "Conv2d": nn.utils.spectral_norm(nn.Conv2d(1, 1, 3, padding=1)),
    "BatchNorm2d": nn.BatchNorm2d(1),
    "InstanceNorm2d": nn.InstanceNorm2d(1, track_running_stats=True),
    "Dropout2d": nn.Dropout2d(0.1),
    "RReLU": nn.RReLU(),
    "_SpectralNorm": spectral_norm(nn.Conv2d(1, 1, 3)),
    "Asking": Asking(),
    "LSTM": nn.LSTM(2, 2, num_layers=2, dropout=0.5),
    "MultiheadAttention": nn.MultiheadAttention(2, 1, dropout=0.5),
}
HARMLESS = [
    nn.ReLU(),
    nn.Dropout(0.0),
    nn.InstanceNorm2d(1),
    nn.GroupNorm(1, 1),
    nn.MultiheadAttention(2, 1),
]
PRIORS = [ip.DenoiserPrior, ip.MeasuredPrior, ip.GeneratorPrior, ip.FlowPrior]


@pytest.mark.parametrize("name", MATTER)
def test_a_network_in_training_mode_is_refused_where_it_matters(name):
    network = Own(MATTER[name]).train()
    with pytest.raises(ip.InputError, match=rf"Own is in training mode.*{name} .*eval\(\) first"):
        check_at_rest(network)
    check_at_rest(network.eval())


@pytest.mark.parametrize("layer", HARMLESS, ids=repr)
def test_and_taken_where_it_does_not(layer):
    check_at_rest(Own(layer).train())


@pytest.mark.parametrize("made", PRIORS)
def test_every_prior_of_a_network_asks(made):
    with pytest.raises(ip.InputError, match=r"network\.eval\(\)"):
        made(Own(nn.Dropout(0.5)))


def test_a_network_that_trains_on_is_refused_in_use():
    network, x = Own(nn.Dropout(0.5)).eval(), torch.rand(1, 1, 8, 8)
    denoiser, score, draw, flow = (made(network) for made in PRIORS)
    uses = [
        lambda: denoiser.denoise(x, 0.1),
        lambda: score.measurement_score(x),
        lambda: draw.posterior_sample(x, 1.0, ip.generator(0)),
        lambda: flow.encode(x)[0],
        lambda: flow.decode(x),
        lambda: flow.log_prob(x),
    ]
    for use in uses:
        assert torch.equal(use(), use())
        network.train()
        with pytest.raises(ip.InputError, match="training mode"):
            use()
        network.eval()


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float64])
@pytest.mark.parametrize("given", [torch.float32, torch.float64])
def test_a_network_is_asked_in_its_own_precision(dtype, given):
    network, x = Own(nn.Identity()).to(dtype), torch.rand(2, 1, 8, 8, dtype=given)
    with torch.no_grad():
        expected = network(x.to(dtype)).to(given)
        found = [
            ip.DenoiserPrior(network).denoise(x, 0.1),
            ip.MeasuredPrior(network).measurement_score(x),
            ip.GeneratorPrior(network).posterior_sample(x, 1.0, ip.generator(0)),
        ]
    for one in found:
        assert one.dtype == given and torch.equal(one, expected)
