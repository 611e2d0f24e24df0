"""What is refused, and with which words: parameters, measurements and images."""

import math

import pytest
import torch
from noise_examples import BLUR, NOISES, PIXELWISE, image, measure

import invprob as ip
from invprob.likelihoods.checks import LIFT
from invprob.pixels import read_pixels
from invprob.units import Unit

FOR_ANY_NUMBERS = [
    (ip.Gamma(alpha=4), -0.1),
    (ip.Rayleigh(scale=0.3), 0.0),
    (ip.Poisson(peak=30), -0.1),
    (ip.Poisson(peak=30), 0.51),
]


@pytest.mark.parametrize(("noise", "value"), FOR_ANY_NUMBERS, ids=str)
def test_what_the_command_line_is_told_can_be_typed_and_helps(noise, value):
    from invprob.cli.noise import make_noise

    y = torch.full((1, 1, 2, 2), value)
    with pytest.raises(ip.InputError) as refused:
        noise.check_measurement(y)
    advice = refused.value.typed.rpartition("-l ")[2].partition(" for ")[0].strip('"')
    other = make_noise(advice, None)
    other.check_measurement(y)
    assert repr(noise) in repr(other)


def test_black_pixels_of_a_rounded_file_are_lifted_as_is_said(tmp_path):
    path = tmp_path / "speckle.png"
    ip.write_image(path, torch.tensor([[0.0, 0.5]]))
    noise = ip.Gamma(alpha=4)
    with pytest.raises(ip.InputError) as refused:
        noise.check_measurement(ip.read_image(path))
    assert refused.value.typed.startswith(f"{LIFT} lifts black pixels")
    assert Unit().lift(read_pixels(path)) == "--black -0.5 --white 255"
    noise.check_measurement(ip.read_image(path, black=-0.5, white=255))


@pytest.mark.parametrize("bad", [0, -1.0, math.nan, math.inf, "loud", None, [1, 2], True])
@pytest.mark.parametrize(
    ("make", "name"),
    [
        (lambda v: ip.Gamma(v), "alpha"),
        (lambda v: ip.Poisson(v), "peak"),
        (lambda v: ip.Rayleigh(v), "scale"),
        (lambda v: ip.SignalDependent(v, 0.1), "a"),
        (lambda v: ip.SignalDependent(0.1, v), "b"),
        (lambda v: ip.ColouredGaussian(v, BLUR), "sigma"),
        (lambda v: ip.ColouredSignalDependent(v, 0.1, BLUR), "a"),
        (lambda v: ip.ColouredSignalDependent(0.1, v, BLUR), "b"),
        (lambda v: ip.Mixture(ip.Gamma(26), v), "sigma"),
        (lambda v: ip.Anscombe(v), "peak"),
    ],
)
def test_impossible_parameters_are_named(make, name, bad):
    with pytest.raises(ip.InputError, match=f"^{name}="):
        make(bad)


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (ip.Gaussian, "sigma"),
        (lambda v: ip.Gaussian(torch.tensor([0.1, v])), "sigma"),
        (lambda v: ip.ColouredGaussian(v, BLUR), "sigma"),
        (lambda v: ip.Mixture(ip.Gamma(26), v), "sigma"),
        (lambda v: ip.Anscombe(30, v), "sigma"),
        (lambda v: ip.poisson_gaussian(30, v), "sigma"),
        (lambda v: ip.SignalDependent(0.1, v), "b"),
        (lambda v: ip.ColouredSignalDependent(0.1, v, BLUR), "b"),
    ],
)
def test_levels_of_grey_are_no_levels_of_images_in_the_unit_interval(make, name):
    with pytest.raises(ip.InputError, match=rf"^{name}=25.*: .* give {name}=25 / 255"):
        make(25.0)
    make(10.0)


def test_truth_is_no_number():
    for make in (ip.Gaussian, ip.xie2023, lambda v: ip.Gaussian(torch.tensor([v]))):
        with pytest.raises(ip.InputError, match="True"):
            make(True)


def place(noise, value):
    y = measure(noise, image())
    y[1, 0, 2, 3] = value
    return y


@pytest.mark.parametrize(
    ("noise", "value", "why"),
    [
        (ip.Gamma(26), -0.25, "Gamma"),
        (ip.Gamma(26), 0.0, "lift the dark pixels"),
        (ip.Rayleigh(0.3), 0.0, "lift the dark pixels"),
        (ip.Poisson(51), -1 / 51, "not negative"),
        (ip.Poisson(51), 0.5, "peak=51"),
    ],
)
def test_impossible_measurements_are_named_with_their_place(noise, value, why):
    noise.check_measurement(measure(noise, image()))
    with pytest.raises(ip.InputError, match=r"y\[1, 0, 2, 3\] = ") as error:
        noise.check_measurement(place(noise, value))
    assert f"{value:.6g}" in str(error.value) and why in str(error.value)
    with pytest.raises(ip.InputError, match="in A⁻¹ y"):
        ip.Correlated(noise, BLUR).check_measurement(BLUR.forward(place(noise, value)))


@pytest.mark.parametrize(
    ("noise", "value"),
    [
        *((noise, -0.25) for noise in (ip.Gamma(26), ip.Rayleigh(0.3), ip.Poisson(51))),
        (ip.SignalDependent(0.1, 0.05), -0.5),
        (ip.ColouredSignalDependent(0.1, 0.05, BLUR), -0.75),
        (ip.Correlated(ip.Gamma(26), BLUR), -0.25),
        (ip.Mixture(ip.Poisson(51), 0.1), -0.25),
    ],
    ids=repr,
)
def test_impossible_images_are_named_with_their_place(noise, value):
    x = image()
    x[2, 0, 5, 6] = 0.0
    x[1, 0, 3, 3] = -1e-4 if value == -0.25 else -0.4  # a rounded black
    assert noise.sample(x, ip.generator(0)).isfinite().all()
    x[1, 0, 2, 3] = value
    with pytest.raises(ip.InputError, match=rf"x\[1, 0, 2, 3\] = {value}"):
        noise.sample(x, ip.generator(0))


@pytest.mark.parametrize("value", [math.nan, math.inf])
@pytest.mark.parametrize(
    "noise",
    [
        ip.Gamma(26),
        ip.Rayleigh(0.3),
        ip.Poisson(51),
        ip.Gaussian(0.1),
        ip.ColouredGaussian(0.1, BLUR),
        ip.SignalDependent(0.1, 0.05),
        ip.ColouredSignalDependent(0.1, 0.05, BLUR),
        ip.Mixture(ip.Gaussian(0.1), 0.1),
    ],
    ids=repr,
)
def test_images_of_no_numbers_are_named_with_their_place(noise, value):
    x = image()
    x[1, 0, 2, 3] = value
    with pytest.raises(ip.InputError, match=rf"x\[1, 0, 2, 3\] = {value}"):
        noise.sample(x, ip.generator(0))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("peak", [0.5, 51, 1e4])
def test_counts_are_counts_in_both_precisions(dtype, peak):
    noise = ip.Poisson(peak)
    y = noise.sample(image().to(dtype), ip.generator(0))
    noise.check_measurement(y)
    assert noise.log_prob(y, image().to(dtype)).isfinite().all()
    through = ip.Correlated(noise, ip.CorrelationFilter())
    through.check_measurement(through.sample(image().to(dtype), ip.generator(0)))


@pytest.mark.parametrize("name", PIXELWISE)
def test_outside_the_support_the_density_is_zero(name):
    noise, x = PIXELWISE[name], image(rows=1)
    y = measure(noise, x)
    outside = {
        "Gamma": (-y, x),
        "Poisson": (y + 0.4 / getattr(noise, "peak", 1), x),
        "Rayleigh": (x - 1e-3, x),
        "SignalDependent": (y, torch.full_like(x, -0.1 - noise_black(noise))),
    }[type(noise).__name__]
    assert float(noise.log_prob(*outside)) == -math.inf
    assert noise.grad_x(*outside).isfinite().all()
    assert noise.score_y(*outside).isfinite().all()


def noise_black(noise):
    return noise.b / noise.a if isinstance(noise, ip.SignalDependent) else 0


@pytest.mark.parametrize("name", NOISES)
def test_the_extreme_pixels_of_an_8_bit_file(name):
    """Black and white pixels can be simulated, and give no NaN anywhere."""
    noise = NOISES[name]
    x = torch.zeros(1, 1, 6, 7)
    x[..., ::2] = 1.0
    y = measure(noise, x)
    if hasattr(noise, "check_measurement"):
        noise.check_measurement(y)
    assert y.isfinite().all()
    assert not noise.log_prob(y, x).isnan().any()
    assert noise.grad_x(y, x).isfinite().all() and noise.score_y(y, x).isfinite().all()


@pytest.mark.parametrize("noise", [ip.Gaussian(sigma=0.1), ip.Poisson(peak=9), ip.Gamma(alpha=3)])
def test_a_seed_is_no_generator(noise):
    with pytest.raises(ip.InputError, match=r"generator=0 is no .*ip.generator\(seed\)"):
        noise.sample(torch.ones(1, 1, 2, 2), 0)


def test_a_twentieth_of_a_count_is_none():
    noise = ip.Poisson(peak=51)
    noise.check_measurement(torch.tensor([[10.0005 / 51]]))
    with pytest.raises(ip.InputError, match="it is no count"):
        noise.check_measurement(torch.tensor([[10.05 / 51]]))


def test_weak_speckle_is_brighter_than_the_image_also_by_less_than_rounding():
    noise, x = ip.Rayleigh(scale=1e-9), image().float()
    y = noise.sample(x, ip.generator(0))
    assert (y > x).all() and noise.log_prob(y, x).isfinite().all()
