"""Blur kernels: sums, centres, moments and names."""

import math

import numpy as np
import pytest
import tifffile
import torch

import invprob as ip
from invprob.operators import kernels


def moments(kernel):
    rows, columns = (torch.arange(n, dtype=torch.float64) - n // 2 for n in kernel.shape)
    mean = (kernel.sum(1) @ rows, kernel.sum(0) @ columns)
    variance = (kernel.sum(1) @ rows**2, kernel.sum(0) @ columns**2)
    return [float(m) for m in mean], [float(v) for v in variance]


@pytest.mark.parametrize(
    "name",
    ["uniform1", "uniform4", "uniform5", "gaussian.5", "gaussian2", "motion7", "motion6.5@-40"],
)
def test_sum_is_one_and_nothing_is_negative(name):
    kernel = kernels.named(name)
    assert math.isclose(float(kernel.sum()), 1, abs_tol=1e-14)
    assert bool((kernel >= 0).all())


@pytest.mark.parametrize("name", ["uniform5", "gaussian1.3", "motion7@20", "motion4@90"])
def test_symmetric_about_the_centre(name):
    kernel = kernels.named(name)
    assert torch.allclose(kernel, kernel.flip((0, 1)), atol=1e-15)


@pytest.mark.parametrize("sigma", [1.0, 1.7, 3.0])
def test_gaussian_has_its_standard_deviation(sigma):
    _, variance = moments(kernels.gaussian(sigma))
    assert all(math.isclose(v, sigma**2, rel_tol=0.03) for v in variance)


@pytest.mark.parametrize("angle", [0, 30, 45, 90, 135, -60])
def test_motion_has_its_length_and_direction(angle):
    length = 12
    kernel = kernels.motion(length, angle)
    _, (rows, columns) = moments(kernel)
    spread = length**2 / 12  # of a segment; bilinear sharing adds at most 1/4 an axis
    turn = math.radians(angle)
    assert rows == pytest.approx(spread * math.sin(turn) ** 2, abs=0.26)
    assert columns == pytest.approx(spread * math.cos(turn) ** 2, abs=0.26)


def test_motion_at_45_degrees_goes_up_to_the_right():
    kernel = kernels.motion(6, 45)
    assert kernel[0, -1] > 0 == kernel[0, 0]


def test_gaussian_is_the_product_of_its_profile():
    profile = kernels.gaussian_profile(1.5)
    assert torch.equal(kernels.gaussian(1.5), torch.outer(profile, profile))


@pytest.mark.parametrize(
    "name",
    ["", "motion", "gaussian", "uniform2.5", "uniform-3", "gauss1", "motion5@", "motion5@x", "5"],
)
def test_unknown_names_list_the_known(name):
    with pytest.raises(ip.InputError, match=r"uniformSIZE .* gaussianSIGMA .* motionLENGTH@ANGLE"):
        kernels.named(name)


@pytest.mark.parametrize("name", ["uniform0", "gaussian0", "gaussian0.0", "motion0@30"])
def test_nothing_to_blur(name):
    with pytest.raises(ip.InputError):
        kernels.named(name)


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -1])
def test_numbers_that_cannot_be(bad):
    for make in (kernels.gaussian, kernels.motion):
        with pytest.raises(ip.InputError):
            make(bad)
    with pytest.raises(ip.InputError):
        kernels.uniform(2.5)
    with pytest.raises(ip.InputError, match="angle="):
        kernels.motion(5, angle=abs(bad) * float("inf"))


@pytest.mark.parametrize("kind", ["uint8", "uint16", "int64", "float32"])
def test_a_kernel_in_a_file_is_divided_by_its_sum(tmp_path, kind):
    values = np.outer([1, 2, 3], [1, 0, 2, 5, 3]).astype(kind)
    np.save(tmp_path / "k.npy", values)
    tifffile.imwrite(tmp_path / "k.tif", values)
    expected = torch.from_numpy(values / values.sum(dtype=float)).double()
    for name in ("k.npy", "k.tif"):
        torch.testing.assert_close(kernels.from_file(tmp_path / name), expected)
    kernel = ip.CircularBlur.from_file(str(tmp_path / "k.npy")).kernel
    torch.testing.assert_close(kernel, expected)
    assert torch.equal(
        kernels.chosen(None, tmp_path / "k.npy", "blur"), kernels.from_file(tmp_path / "k.npy")
    )


def test_a_drawing_on_white_is_no_kernel(tmp_path):
    drawn = np.zeros((7, 9), np.uint8)
    drawn[2:5, 2:7] = 255 * np.eye(3, 5, dtype=np.uint8)
    tifffile.imwrite(tmp_path / "k.tif", 255 - drawn)
    with pytest.raises(ip.InputError, match=r"the border of .*k.tif is brighter.*invert it"):
        kernels.from_file(tmp_path / "k.tif")
    ring = np.pad(np.ones((5, 5)), 1)
    ring[2:5, 2:5] = 0
    tight = np.ones((5, 5)) - np.outer([1, 0, 0, 0, 1], [1, 0, 0, 0, 1])
    tight[1:4, 1:4] = 0
    noisy = 1 + 0.2 * np.random.default_rng(0).random((5, 5))
    dented = np.ones((5, 5)) - np.pad([[0.3]], 2)  # not dark
    peaked = np.ones((5, 5)) + np.outer([0, 0, 5, -1, 0], [0, 0, 5, 1, 0])  # brighter within
    rim = np.pad(np.full((5, 5), 0.01), 1, constant_values=1.0)
    rim[:: len(rim) - 1, :: len(rim) - 1] = 0.1  # round
    for kernel in (dented, peaked.clip(0.1), rim):
        np.save(tmp_path / "k.npy", kernel)
        assert kernels.from_file(tmp_path / "k.npy").shape == kernel.shape
    for kernel in (drawn, ring, tight, noisy, np.ones((1, 9)), np.ones((3, 3)), np.ones((1, 1))):
        np.save(tmp_path / "k.npy", kernel)
        assert kernels.from_file(tmp_path / "k.npy").shape == kernel.shape


@pytest.mark.parametrize("name", ["blur", "circular-blur", "blur-decimate"])
def test_the_operator_that_was_typed_is_named(name):
    from invprob.cli.specs import make

    factor = ",factor=2" if name == "blur-decimate" else ""
    with pytest.raises(ip.InputError, match="no kernel is called 'disk3'") as refused:
        make("operator", f"{name}:kernel=disk3{factor}")
    assert refused.value.typed == f"{name}:file=psf.tif for a kernel in a file"


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (np.ones((4, 3)), "of 4x3 pixels, without one in its middle"),
        (np.ones((3, 6)), "of 3x6 pixels"),
        (np.zeros((3, 3)), "from 0 to 0, their sum is 0"),
        (np.eye(3) - 0.1, "from -0.1 to 0.9.*none below 0"),
        (np.full((3, 3), np.nan), "from nan to nan"),
        (np.full((3, 3), np.inf), "sum is inf"),
        (np.ones((5, 5, 2)), "save its channels one by one"),
    ],
)
def test_files_that_hold_no_kernel(tmp_path, values, message):
    np.save(tmp_path / "k.npy", values)
    with pytest.raises(ip.InputError, match=message):
        kernels.from_file(tmp_path / "k.npy")
