"""The noise of an image, found from the image alone."""

import pytest
import torch
import torch.nn.functional as F
from attrs import evolve

import invprob as ip
from invprob.diagnostics.noise_holes import filled
from invprob.diagnostics.noise_laws import laws

PHOTO = ip.sample_photo()[..., 64:192, 64:192]


def seen(noise, seed=0):
    return ip.estimate_noise(noise.sample(PHOTO, ip.generator(seed)))


def numbers(law):
    """The values in a law's text."""
    return [float(part.partition("=")[2]) for part in law.text.partition(":")[2].split(",")]


@pytest.mark.parametrize(("sigma", "close"), [(0.005, 0.15), (0.02, 0.03), (0.3, 0.015)])
def test_white_noise_is_found(sigma, close):
    found = seen(ip.Gaussian(sigma=sigma))
    assert found.best.name == "gaussian" and found.is_white
    assert found.sigma == pytest.approx(sigma, rel=close)
    assert numbers(found.best)[0] == pytest.approx(sigma, rel=close)


@pytest.mark.parametrize(
    ("noise", "name", "values", "close"),
    [
        (ip.Poisson(peak=30), "poisson", [30], 0.05),
        (ip.Gamma(10.0), "gamma", [10], 0.2),
        (ip.Mixture(ip.Poisson(peak=200), sigma=0.03), "poisson-gaussian", [200, 0.03], 0.15),
        (ip.SignalDependent(a=0.1, b=0.02), "signal-dependent", [0.1, 0.02], 0.22),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_the_law_and_its_parameters_are_found(noise, name, values, close):
    found = seen(noise)
    assert found.best.name == name and found.is_white
    assert numbers(found.best) == pytest.approx(values, rel=close)


def test_what_is_found_can_be_typed():
    from invprob.cli.noise import make_noise

    for law in seen(ip.Mixture(ip.Poisson(peak=200), sigma=0.03)).laws:
        make_noise(law.text, None)


def test_noise_that_was_filtered_is_told_from_white():
    draw = torch.randn(PHOTO.shape, generator=ip.generator(0))
    smooth = 3 * F.avg_pool2d(F.pad(draw, (1, 1, 1, 1), mode="circular"), 3, 1)
    found = ip.estimate_noise(PHOTO + 0.1 * smooth)
    assert not found.is_white and found.sigma < 0.06
    assert found.apart == pytest.approx(0.1, rel=0.1)
    assert "not white" in str(found)


def test_noise_that_was_cut_off_is_left_out():
    """Half of the image is black, where clipping leaves half of the noise."""
    x = PHOTO.clone()
    x[..., :64] = 0
    y = ip.Gaussian(sigma=0.1).sample(x, ip.generator(0)).clamp(0, 1)
    found = ip.estimate_noise(y)
    assert len(found.sd) < 8 and float(found.brightness.min()) > 0.1
    assert numbers(found.best)[0] == pytest.approx(0.1, rel=0.06)
    assert found.cut > 0.2 and f"{found.cut:.1%} of all pixels are at the ends" in str(found)
    assert float(found.sd.min()) < found.sigma < float(found.sd.max())
    assert found.sigma == pytest.approx(0.1, rel=0.06)
    assert "at the ends" not in str(evolve(found, cut=0.0))


def test_a_prior_that_does_not_denoise_is_refused():
    with pytest.raises(ip.InputError, match="denoises nothing"):
        ip.estimate_noise(PHOTO, ip.FlowPrior.pretrained())


def test_half_precision_and_odd_sizes(recwarn):
    y = ip.Gaussian(sigma=0.1).sample(PHOTO[..., :49, :49], ip.generator(0))
    assert ip.estimate_noise(y.half()).sigma == pytest.approx(0.1, rel=0.05)
    assert not recwarn.list


def test_other_priors_and_channels():
    prior = ip.GaussianPrior(mean=torch.full((1, 128, 128), 0.5), sd=0.2)  # of one size
    y = prior.sample((1, 1, 128, 128), ip.generator(0))
    y = ip.Gaussian(sigma=0.1).sample(y, ip.generator(1))
    best = (y.var() - 0.2**2).clamp(min=0).sqrt()  # all that y says of it
    assert ip.estimate_noise(y, prior).sigma == pytest.approx(float(best), rel=0.03)
    two = ip.Gaussian(sigma=0.1).sample(PHOTO[:, :2], ip.generator(0))
    assert ip.estimate_noise(two).sigma == pytest.approx(0.1, rel=0.05)


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (torch.zeros(1, 1, 20, 64), "at least 32 x 32"),
        (torch.zeros(3, 64, 64), "at least 32 x 32"),
        (torch.full((1, 1, 64, 64), torch.nan), "only 0 numbers of y are finite"),
        (torch.zeros(1, 1, 64, 64), "no noise.* say which values are black and white; a smaller"),
        (torch.zeros(1, 0, 64, 64), "at least 32 x 32"),
        (torch.zeros(1, 1, 64, 64, dtype=torch.uint8), "divide it by what is white"),
        (torch.rand(1, 1, 64, 64, generator=ip.generator(0)).round(), "cut off at 0 and 1"),
    ],
)
def test_refusals(y, message):
    with pytest.raises(ip.InputError, match=message):
        ip.estimate_noise(y)


def test_laws_want_brightness_that_varies():
    m = torch.tensor([0.2, 0.5, 0.9], dtype=torch.float64)
    assert laws(m, m / 10)[0].text == "gamma:alpha=100"
    assert [law.text for law in laws(m[:2], m[:2] / 10)] == ["gaussian:sigma=0.0381"]
    assert [law.name for law in laws(m, m / 10, error=0.2)] == ["gaussian"]


def test_a_file_in_another_unit_is_refused():
    y = 1000 * ip.Gaussian(sigma=0.05).sample(PHOTO, ip.generator(0))
    with pytest.raises(ip.InputError, match="say which values are black and white"):
        ip.estimate_noise(y)


@pytest.mark.parametrize("sigma", [0.03, 0.05, 0.1])
def test_a_flat_image_has_one_noise_level(sigma):
    """Bands that are narrower than the brightness is known would say which noise was drawn."""
    y = ip.Gaussian(sigma=sigma).sample(torch.full((1, 1, 128, 128), 0.5), ip.generator(0))
    found = ip.estimate_noise(y)
    assert len(found.sd) <= 3 and [law.name for law in found.laws] == ["gaussian"]
    assert "too little to tell" in str(found)
    assert found.sigma == pytest.approx(sigma, rel=0.03)


def test_pixels_that_are_not_finite_do_not_count():
    y = ip.Gaussian(sigma=0.1).sample(PHOTO[..., :64, :64], ip.generator(0))
    y[..., 10, 5] = torch.nan
    y[:, 1, 30:50, 30] = torch.inf
    y[..., :12] = -torch.inf
    found = ip.estimate_noise(y)
    assert found.best.name == "gaussian" and found.sigma == pytest.approx(0.1, rel=0.06)


def test_holes_are_filled_from_around():
    y = torch.linspace(0, 1, 20).expand(1, 1, 20, 20).clone()
    y[..., 5:9, 5:9] = torch.nan
    hole = filled(y)[..., 5:9, 5:9]
    assert 0.2 < float(hole.min()) and float(hole.max()) < 0.5
    assert bool(torch.equal(filled(y)[~y.isnan()], y[~y.isnan()]))
    assert float(filled(y * torch.nan).abs().max()) == 0


def test_the_noise_of_small_images_is_right_on_average():
    x = ip.sample_photo()[:, :1, :192].unfold(2, 32, 64).unfold(3, 32, 96)
    noisy = ip.Gaussian(sigma=0.05).sample(x.reshape(-1, 1, 1, 32, 32), ip.generator(0))
    each = [ip.estimate_noise(y).sigma for y in noisy]
    assert sum(each) / len(each) == pytest.approx(0.05, rel=0.05)


def test_small_images_have_fewer_bands():
    """A gray image of 32 x 32 has five times 200 pixels, and not eight times."""
    x = ip.sample_photo()[:, :1, 48:80, 100:132]
    y = ip.Gaussian(sigma=0.05).sample(x, ip.generator(0))
    assert len(ip.estimate_noise(y).sd) == 5
    few = y.clone()
    few[..., 18:] = torch.nan  # what is left are 448 pixels
    assert len(ip.estimate_noise(few).sd) == 2
    few[..., 12:] = torch.nan
    assert len(ip.estimate_noise(few).sd) == 1


def test_values_that_are_named_are_those_of_the_whole_image():
    y = torch.full((1, 1, 600, 40), 0.2)
    y[..., 0, 0], y[..., -1, -1], y[..., 300, 7] = -0.3, 0.9, torch.nan  # four crops lie between
    with pytest.raises(ip.InputError, match="from -0.3 to 0.9"):
        ip.estimate_noise(y)


def test_pixels_that_are_left_out_of_a_gray_image_in_colour():
    y = ip.Gaussian(0.1).sample(PHOTO.mean(1, keepdim=True), ip.generator(0)).repeat(1, 3, 1, 1)
    y[..., 5, 5] = torch.nan
    y[:, 1, 7, 9] = torch.nan
    assert ip.estimate_noise(y).sigma == pytest.approx(0.1, rel=0.02)
