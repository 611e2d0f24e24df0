import pytest
import torch

import invprob as ip

GRAY = torch.full((1, 1, 4, 4), 0.5)


def make(y, prior=None, likelihood=None):
    prior = prior or ip.GaussianPrior(mean=torch.full((1, 4, 4), 0.5), sd=0.2)
    return ip.Problem(prior, likelihood or ip.Gaussian(sigma=0.1), y)


class Photos:
    """A prior for colour or gray images in [0, 1]."""

    def denoise(self, x, sigma, /):
        return x

    def domain(self):
        return ip.Domain(channels=(1, 3), unit_range=True, sigma=(0.01, 1.0))

    def __repr__(self):
        return "Photos()"


def test_a_good_problem_says_its_shapes():
    problem = make(GRAY.repeat(2, 1, 1, 1))
    assert problem.image_shape == (1, 4, 4)
    assert problem.measurements == 2
    assert "y=(2, 1, 4, 4), image_shape=(1, 4, 4)" in repr(problem)
    assert len(repr(problem)) < 200
    assert problem.zeros().shape == (2, 1, 4, 4)


def test_repeat_is_sample_major():
    y = torch.stack([GRAY[0], GRAY[0] + 0.1])
    rows = make(y).repeat(3)
    assert rows.samples == 3 and rows.measurements == 2
    assert torch.equal(rows.y, torch.cat([y, y, y]))


@pytest.mark.parametrize(
    ("y", "message"),
    [
        ((GRAY * 255).to(torch.uint8), r"torch.uint8.*y.float\(\) / 255"),
        (GRAY.to(torch.complex64), r"torch.complex64.*torch.view_as_real\(y\)"),
        (GRAY.half(), r"torch.float16.*y.float\(\)"),
        (GRAY.to_sparse(), r"is sparse, torch.sparse_coo; give y.to_dense\(\)"),
        (GRAY.numpy(), "ndarray.*torch.as_tensor"),
        (GRAY[0, 0, 0], r"shape \(4,\); a batch is needed"),
        (GRAY[:0], r"shape \(0, 1, 4, 4\): it is empty"),
        (GRAY / 0, r"16 values that are not finite, the first at index \(0, 0, 0, 0\)"),
        (GRAY[:, :, :3], r"\(1, 3, 4\).*knows only \(1, 4, 4\)"),
    ],
)
def test_impossible_measurements_are_refused(y, message):
    with pytest.raises(ip.InputError, match=message):
        make(y)


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (GRAY.repeat(1, 2, 1, 1), r"\(2, 4, 4\); Photos\(\) takes \(C, H, W\) with C = 1 or 3"),
        (GRAY.movedim(1, -1).repeat(1, 1, 1, 3), r"y.movedim\(-1, 1\)"),
        (GRAY[0], r"C = 1 or 3: y\[None\]"),
        (255 * GRAY, "values up to 127.5.*255 for 8-bit files"),
        (20000 * GRAY, "values up to 1e[+]04.*65535 for 16-bit"),
    ],
)
def test_a_prior_for_photos_refuses_what_is_none(y, message):
    with pytest.raises(ip.InputError, match=message):
        make(y, Photos())


@pytest.mark.parametrize(
    "wrap", [lambda noise: noise, lambda noise: ip.Observed(noise, ip.Identity())]
)
def test_raw_counts_are_to_be_divided_by_the_peak(wrap):
    counts = (74 * GRAY).round()
    with pytest.raises(ip.InputError, match=r"up to 37.*y = counts / peak, y / 30;") as refused:
        make(counts, Photos(), wrap(ip.Poisson(peak=30)))
    assert refused.value.typed == "--white 30 of a file that holds counts"
    assert make(counts / 30, Photos(), wrap(ip.Poisson(peak=30))).samples == 1


def test_noise_beyond_the_unit_range_is_no_mistake():
    noisy = GRAY + 3 * torch.randn(GRAY.shape, generator=ip.generator(0))
    assert make(noisy, Photos(), ip.Gaussian(sigma=3.0)).samples == 1


def test_a_swapped_order_is_explained():
    prior = ip.GaussianPrior(mean=torch.full((1, 4, 4), 0.5), sd=0.2)
    with pytest.raises(ip.InputError, match=r"order is Problem\(prior, likelihood, y\)"):
        ip.Problem(ip.Gaussian(sigma=0.1), Photos(), GRAY)
    with pytest.raises(ip.InputError, match="is a prior, and no likelihood; the order is"):
        ip.Problem(ip.Gaussian(sigma=0.1), prior, GRAY)
    with pytest.raises(ip.InputError, match="at least one"):
        make(GRAY, prior).repeat(0)


def test_a_mask_of_the_wrong_shape_is_refused():
    with pytest.raises(ip.InputError, match=r"\(3, 3\)"):
        make(GRAY, likelihood=ip.Gaussian(sigma=0.1, operator=ip.Mask(torch.eye(3))))


def test_an_image_shape_must_be_the_one_that_the_likelihood_measures():
    noise = ip.Gaussian(sigma=0.1, operator=ip.Downsample(2))
    prior = ip.GaussianPrior(mean=torch.full((1, 8, 8), 0.5), sd=0.2)
    assert ip.Problem(prior, noise, GRAY, image_shape=[1, 8, 8]).image_shape == (1, 8, 8)
    with pytest.raises(ip.InputError, match="image_shape=64; give the shape of one image"):
        ip.Problem(prior, noise, GRAY, image_shape=64)
    with pytest.raises(
        ip.InputError, match=r"image_shape=\(1, 4, 4\), but .* of shape \(1, 8, 8\)"
    ):
        ip.Problem(prior, noise, GRAY, image_shape=(1, 4, 4))


@pytest.mark.parametrize(
    ("y", "advice"),
    [
        (torch.zeros(3, 8, 8), "y[None]"),
        (torch.zeros(1, 8, 8), "y[None]"),
        (torch.zeros(5, 8, 8), "y[:, None]"),
        (torch.zeros(8, 8), "y[None, None]"),
        (torch.zeros(2, 8, 8, 3), "move the channels first, y.movedim(-1, 1)"),
    ],
)
def test_the_advice_for_a_missing_dimension_works(y, advice):
    with pytest.raises(ip.InputError) as refused:
        make(y, Photos())
    assert str(refused.value).endswith(f": {advice}")
    better = eval(advice.removeprefix("move the channels first, "))
    assert make(better, Photos()).image_shape[0] in (1, 3)


@pytest.mark.parametrize(
    "network", [torch.nn.Conv2d(1, 1, 3), torch.relu, lambda x, sigma: x], ids=["module", "f", "l"]
)
def test_a_network_is_told_how_to_become_a_prior(network):
    with pytest.raises(ip.InputError, match=r"not yet a prior; wrap it: DenoiserPrior\(network\)"):
        make(GRAY, network)


def test_classes_and_none_are_no_parts():
    with pytest.raises(ip.InputError, match="Gaussian is a class; give an instance of it"):
        make(GRAY, likelihood=ip.Gaussian)
    with pytest.raises(ip.InputError, match="Photos is a class; give an instance of it"):
        make(GRAY, Photos)
    with pytest.raises(ip.InputError, match="None is no prior"):
        ip.Problem(None, ip.Gaussian(sigma=0.1), GRAY)


def test_a_measurement_with_a_history_is_taken_without_it(recwarn):
    y = (2 * GRAY.clone().requires_grad_()) / 2
    problem = make(y, Photos())
    assert not problem.y.requires_grad
    assert torch.equal(problem.y, GRAY) and y.requires_grad
    assert not recwarn.list


class Thirds:
    """An operator that says no to sides that 3 does not divide, in its own way."""

    def forward(self, x, /):
        return x[..., ::3, ::3]

    def adjoint(self, y, /):
        x = y.new_zeros(*y.shape[:-2], 3 * y.shape[-2], 3 * y.shape[-1])
        x[..., ::3, ::3] = y
        return x

    def out_shape(self, shape, /):
        assert shape[-1] % 3 == 0, "three, please"
        return (*shape[:-2], shape[-2] // 3, shape[-1] // 3)


def test_an_image_shape_that_an_operator_does_not_take_is_refused_in_words():
    prior = ip.GaussianPrior(mean=torch.full((1, 9, 9), 0.5), sd=0.2)
    noise, y = ip.Gaussian(0.1, operator=Thirds()), torch.zeros(1, 1, 3, 3)
    assert ip.Problem(prior, noise, y, image_shape=(1, 9, 9)).image_shape == (1, 9, 9)
    with pytest.raises(ip.InputError, match=r"no images of shape \(1, 8, 8\): three, please"):
        ip.Problem(prior, noise, y, image_shape=(1, 8, 8))


@pytest.mark.parametrize("prior", [3, "denoiser", torch.zeros(1)])
def test_what_is_no_prior_is_refused_at_once(prior):
    with pytest.raises(ip.InputError, match="is no prior; the order is Problem"):
        ip.Problem(prior, ip.Gaussian(0.1), torch.zeros(1, 1, 4, 4))


@pytest.mark.parametrize(
    "H",
    [
        ip.from_callable(lambda x: x.diff(dim=-1), image_shape=(1, 8, 8)),
        ip.Fourier(torch.arange(64).reshape(8, 8) > 0),
    ],
    ids=["differences", "all waves but the first"],
)
def test_an_operator_may_be_blind_to_even_images(H):
    y = H.forward(torch.linspace(0, 1, 64).reshape(1, 1, 8, 8) * torch.eye(8))
    noise = ip.Gaussian(sigma=0.01, operator=H)
    assert ip.Problem(Photos(), noise, y, image_shape=(1, 8, 8)).samples == 1
    with pytest.raises(ip.InputError, match="by the white level"):
        ip.Problem(Photos(), noise, 255 * y, image_shape=(1, 8, 8))
