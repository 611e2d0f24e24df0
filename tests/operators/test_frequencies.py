"""Undersampled frequencies: singular values, layout, masks, and posteriors that are known."""

import math

import numpy as np
import pytest
import torch
from operator_examples import matrix, random

import invprob as ip
from invprob.testing import conforms

SIZES = [(4, 4), (5, 4), (4, 5), (5, 5), (1, 6), (1, 5), (6, 1), (2, 2), (1, 1)]


@pytest.mark.parametrize("size", SIZES)
def test_singular_values_of_pairs(size):
    """In real coordinates HᵀH is diagonal: one half for each of k and -k that was measured."""
    mask = torch.rand(size, generator=ip.generator(1)) < 0.6
    mask[0, 0] = True
    height, width = size
    rows, columns = [], []
    full = matrix(lambda x: torch.view_as_real(torch.fft.fft2(x, norm="ortho")), (1, *size))
    full = full.reshape(height, width, 2, -1)
    for k in range(height):
        for m in range(width):
            i, j = -k % height, -m % width
            both = (float(mask[k, m]) + float(mask[i, j])) / 2
            if (i, j) == (k, m):
                rows.append(full[k, m, 0])
                columns.append(both)
            elif (k, m) < (i, j):
                rows += [math.sqrt(2) * full[k, m, 0], math.sqrt(2) * full[k, m, 1]]
                columns += [both, both]
    basis, squares = torch.stack(rows), torch.tensor(columns, dtype=torch.float64)
    eye = torch.eye(height * width, dtype=torch.float64)
    assert torch.allclose(basis @ basis.T, eye, atol=1e-13)
    operator = ip.Fourier(mask)
    h = matrix(operator.forward, (1, *size))
    assert torch.allclose(basis @ h.T @ h @ basis.T, torch.diag(squares), atol=1e-13)
    s = operator.svd((1, *size)).s.flatten()
    assert torch.allclose(s.square().sort().values, squares.sort().values)


def test_the_transform_is_the_one_of_numpy():
    x = random(2, 3, 6, 5)
    mask = ip.Fourier.random((6, 5), keep=0.5).mask
    y = torch.view_as_complex(ip.Fourier(mask).forward(x))
    wanted = np.fft.fft2(x.numpy(), norm="ortho") * mask.numpy()
    assert np.allclose(y.numpy(), wanted, atol=1e-13)
    assert not y[..., ~mask].any()


def test_the_kit():
    assert conforms(ip.Fourier.random((5, 8), keep=0.5))


@pytest.mark.parametrize("shape", [(6, 8), (1, 6, 8), (2, 1, 6, 8)])
@pytest.mark.parametrize("kind", ["torch", "numpy", "flipped", "big-endian"])
def test_complex_data_become_a_measurement(shape, kind):
    scan = ip.Fourier.lines((6, 8), keep=0.5, seed=2)
    x = random(*shape)
    data = torch.fft.fft2(x, norm="ortho")
    data[..., ~scan.mask] = math.nan
    given = {
        "torch": data,
        "numpy": data.numpy(),
        "flipped": data.flip(-1).numpy()[..., ::-1],
        "big-endian": data.numpy().astype(">c16"),
    }
    y = scan.measurement(given[kind])
    batch = x.reshape((1,) * (4 - x.ndim) + shape)
    torch.testing.assert_close(y, scan.forward(batch))
    assert scan.measurement(data.to(torch.complex64)).dtype == torch.float32


@pytest.mark.parametrize("size", [(6, 8), (5, 7), (5, 6), (1, 5)])
def test_data_with_frequency_0_in_the_middle(size):
    scan = ip.Fourier.random(size, keep=0.5, seed=2)
    x, axes = random(1, 1, *size), (-2, -1)
    data = torch.fft.fft2(torch.fft.ifftshift(x, dim=axes), norm="ortho")
    data[..., ~scan.mask] = math.nan
    y = scan.measurement(torch.fft.fftshift(data, dim=axes), centred=True)
    torch.testing.assert_close(y, scan.forward(x))


@pytest.mark.parametrize(
    "data", [torch.ones(6, 8), torch.ones(6, 8, 2), torch.ones(8, dtype=torch.complex64), "y.npy"]
)
def test_no_complex_data(data):
    with pytest.raises(ip.InputError, match="give complex numbers"):
        ip.Fourier.lines((6, 8), keep=0.5).measurement(data)


def test_other_shapes():
    scan = ip.Fourier.lines((6, 8), keep=0.5)
    with pytest.raises(ip.InputError, match="does not fit"):
        scan.forward(torch.ones(1, 1, 8, 6))
    with pytest.raises(ip.InputError, match="does not fit"):
        scan.measurement(torch.ones(8, 6, dtype=torch.complex64))
    with pytest.raises(ip.InputError, match="real and imaginary parts"):
        scan.adjoint(torch.ones(1, 1, 6, 8))
    with pytest.raises(ip.InputError, match="last two axes"):
        ip.Fourier(torch.ones(8)).out_shape((8,))
    y = torch.ones(1, 1, 6, 8, dtype=torch.complex64)
    prior = ip.GaussianPrior(torch.zeros(1, 6, 8), sd=1)
    with pytest.raises(ip.InputError, match=r"y = H.measurement\(data\)"):
        ip.Problem(prior, ip.Gaussian(0.1, scan), y)


def test_lines():
    mask = ip.Fourier.lines((10, 100), keep=0.3, centre=0.08, seed=3).mask
    assert mask.shape == (10, 100) and bool((mask == mask[:1]).all())
    assert int(mask[0].sum()) == 30
    assert bool(mask[0, [*range(-4, 4)]].all())
    again, other = (ip.Fourier.lines((10, 100), keep=0.3, seed=seed).mask for seed in (3, 4))
    assert torch.equal(mask, again) and not torch.equal(mask, other)
    assert ip.Fourier.lines(9, keep=1 / 9, centre=0).mask[0].tolist() == [True] + [False] * 8
    assert bool(ip.Fourier.lines(9, keep=1).mask.all())


def test_random():
    mask = ip.Fourier.random((20, 30), keep=0.25, centre=0.1, seed=3).mask
    assert int(mask.sum()) == 150
    assert bool(mask[-1:1, [-1, 0, 1]].all()) and bool(mask[0, [-1, 0, 1]].all())
    assert torch.equal(mask, ip.Fourier.random((20, 30), keep=0.25, centre=0.1, seed=3).mask)


@pytest.mark.parametrize("make", [ip.Fourier.lines, ip.Fourier.random])
def test_impossible_choices(make):
    for keep in (0, 1.5, -1, 0.001, math.nan):
        with pytest.raises(ip.InputError, match=r"keep=.* centre"):
            make(16, keep=keep)
    for centre in (-0.1, 1.1, math.nan):
        with pytest.raises(ip.InputError, match="centre="):
            make(16, centre=centre)
    for size in (0, (4,), (4, 0), (1, 2, 3)):
        with pytest.raises(ip.InputError, match="size="):
            make(size)


def test_samples_are_those_of_the_gaussian_posterior():
    """Under a Gaussian prior the posterior is known: samples, made white by it, are standard."""
    size, sd, sigma = (4, 6), 0.3, 0.1
    operator = ip.Fourier.lines(size, keep=0.5, seed=1)
    mean = torch.full((1, *size), 0.5, dtype=torch.float64)
    x = mean + sd * random(1, 1, *size, seed=4)
    noise = ip.Gaussian(sigma, operator)
    y = noise.sample(x, ip.generator(5))
    problem = ip.Problem(ip.GaussianPrior(mean, sd=sd), noise, y)
    result = ip.solve(problem, ip.Restart(), samples=400)
    h = matrix(operator.forward, (1, *size))
    covariance = torch.linalg.inv(h.T @ h / sigma**2 + torch.eye(24) / sd**2)
    centre = covariance @ (h.T @ y.flatten() / sigma**2 + mean.flatten() / sd**2)
    samples = result.samples.reshape(400, -1).double()
    root = torch.linalg.cholesky(covariance)
    white = torch.linalg.solve_triangular(root, (samples - centre).T, upper=False)
    assert float(white.mean(1).abs().max()) < 0.2  # four times its deviation of 1 / 20
    assert math.isclose(float(white.var(1).mean()), 1, abs_tol=0.08)


def test_prox_and_draws_leave_unmeasured_entries_alone():
    """Whatever y holds where nothing was measured, nothing depends on it."""
    operator = ip.Fourier.lines((6, 8), keep=0.5)
    noise, x = ip.Gaussian(0.1, operator), random(1, 1, 6, 8)
    y = noise.sample(x, ip.generator(0))
    assert not y[..., ~operator.mask, :].any()
    other, step = y + 3 * (~operator.mask)[..., None], torch.tensor(0.1, dtype=torch.float64)
    assert torch.equal(noise.log_prob(y, x), noise.log_prob(other, x))
    torch.testing.assert_close(noise.grad_x(y, x), noise.grad_x(other, x))
    torch.testing.assert_close(noise.prox(y, x, step), noise.prox(other, x, step))


def test_a_photograph_is_better_than_zero_filled():
    photo = ip.sample_photo()[:, :1, 32:96, 64:128]
    scan = ip.Fourier.random(64, keep=0.3)
    noise = ip.Gaussian(0.01, scan)
    y = noise.sample(photo, ip.generator(0))
    result = ip.solve(ip.Problem(ip.DenoiserPrior.pretrained(), noise, y), ip.PnP(iterations=12))
    assert float(ip.psnr(result.x, photo)) > float(ip.psnr(scan.adjoint(y), photo)) + 3.5
    assert "should be below 1, as it is" in str(result)


def test_a_mask_in_a_file(tmp_path):
    from invprob.cli.specs import make

    mask = ip.Fourier.random((6, 8), keep=0.4).mask
    ip.write_image(tmp_path / "mask.png", mask.float()[None, None])
    assert torch.equal(make("operator", f"fourier:file={tmp_path / 'mask.png'}").mask, mask)
    for text in ("fourier", f"fourier:size=8,file={tmp_path / 'mask.png'}"):
        with pytest.raises(ip.InputError, match="one mask"):
            make("operator", text)


def test_measurements_may_be_views():
    scan = ip.Fourier.random((4, 6), keep=0.5)
    y = scan.forward(random(2, 1, 4, 6))
    view = y.movedim(-1, 0).contiguous().movedim(0, -1)
    assert not view.is_contiguous()
    assert torch.equal(scan.adjoint(view), scan.adjoint(y))
