"""Masks: what they accept, what they refuse, random ones and those in files."""

import numpy as np
import pytest
import tifffile
import torch

import invprob as ip


@pytest.mark.parametrize("dtype", [torch.bool, torch.uint8, torch.int64, torch.float32])
@pytest.mark.parametrize("shape", [(2, 3), (1, 2, 3), (4, 2, 3)])
def test_observed_pixels_stay_and_the_others_are_zero(dtype, shape):
    mask = torch.arange(torch.Size(shape).numel()).reshape(shape) % 2 == 0
    x = torch.rand(5, 4, 2, 3, generator=ip.generator(0)) + 1
    y = ip.Mask(mask.to(dtype)).forward(x)
    seen = mask.expand(4, 2, 3).expand_as(x)
    assert torch.equal(y[seen], x[seen])
    assert not y[~seen].any()


def test_singular_values_are_the_mask_in_the_image_order():
    mask = torch.tensor([[True, False, False], [True, True, False]])
    svd = ip.Mask(mask).svd((2, 2, 3))
    assert torch.equal(svd.s, mask.double().expand(2, 2, 3))
    x = torch.rand(1, 2, 2, 3, generator=ip.generator(0))
    assert torch.equal(svd.vt(x), x)


def test_the_callers_mask_may_change_afterwards():
    mask = torch.ones(2, 2)
    operator = ip.Mask(mask)
    mask.zero_()
    assert bool(operator.mask.all())


@pytest.mark.parametrize(
    ("mask", "complaint"),
    [
        (torch.full((2, 2), 0.5), "4 values other than 0 and 1, the first is 0.5"),
        (torch.tensor([[1.0, float("nan")]]), "not finite"),
        (torch.zeros(2, 2), "nothing was observed"),
        (torch.ones(0, 2), "empty"),
        ("mask.png", "no array of real numbers"),
    ],
)
def test_no_mask(mask, complaint):
    with pytest.raises(ip.InputError, match=complaint):
        ip.Mask(mask)


@pytest.mark.parametrize("shape", [(3, 3), (1, 3, 3), (2,), (2, 4, 5)])
def test_another_shape_is_named(shape):
    operator = ip.Mask(torch.ones(1, 4, 3))
    uses = operator.out_shape, operator.image_shape, operator.svd, operator.diagonal
    for use in (*uses, operator.observed):
        with pytest.raises(ip.InputError) as error:
            use(shape)
        assert "(1, 4, 3)" in str(error.value) and str(shape) in str(error.value)
        assert f"{shape} or {shape}" not in str(error.value)
    with pytest.raises(ip.InputError):
        operator.forward(torch.ones(1, *shape))


def test_a_mask_of_more_channels_than_the_image():
    with pytest.raises(ip.InputError, match="does not fit"):
        ip.Mask(torch.ones(3, 4, 4)).out_shape((1, 4, 4))


@pytest.mark.parametrize("part", [ip.Mask, ip.Fourier, ip.Blur, ip.CircularBlur])
def test_a_batch_shares_one_operator(part):
    each = torch.ones(4, 1, 5, 5)
    with pytest.raises(
        ip.InputError, match=r"\(4, 1, 5, 5\), one for each.*a batch shares"
    ) as one:
        part(each)
    name = "mask" if part in (ip.Mask, ip.Fourier) else "kernel"
    assert "in a loop over i, Problem(prior, Gaussian(sigma, H), y[i : i + 1])" in str(one.value)
    assert f"made of {name}[i]" in str(one.value)
    with pytest.raises(ip.InputError, match=rf"; give {name}\[0\]$"):
        part(each[:1])
    unclear = part(torch.ones(4, 2, 5, 5))  # of images of four axes, perhaps
    with pytest.raises(ip.InputError, match="a batch shares one operator"):
        unclear.out_shape((2, 8, 8) if name == "kernel" else (2, 5, 5))


def test_what_a_loop_over_a_batch_solves():
    masks = torch.rand(3, 1, 8, 8, generator=ip.generator(0)) > 0.5
    x = torch.rand(3, 1, 8, 8, generator=ip.generator(1))
    prior, y, estimates = ip.GaussianPrior(torch.full((1, 8, 8), 0.5), sd=0.3), x * masks, []
    for i, mask in enumerate(masks):
        problem = ip.Problem(prior, ip.Gaussian(0.01, ip.Mask(mask)), y[i : i + 1])
        estimates.append(ip.solve(problem, ip.PnP(iterations=5)).x)
    assert float((torch.cat(estimates) - x)[masks].abs().max()) < 0.05


def test_masks_of_real_and_imaginary_parts_are_of_no_batch():
    for shape in ((4, 1, 6, 2), (4, 1, 6, 1), (4, 6, 6, 2), (1, 6, 6, 2)):
        assert ip.Mask(torch.ones(shape)).out_shape((4, 6, 6, 2)) == (4, 6, 6, 2)


def test_random():
    mask = ip.Mask.random((10, 10), keep=0.25, seed=3).mask
    assert int(mask.sum()) == 25
    assert torch.equal(mask, ip.Mask.random((10, 10), keep=0.25, seed=3).mask)
    assert not torch.equal(mask, ip.Mask.random((10, 10), keep=0.25, seed=4).mask)
    assert bool(ip.Mask.random((3, 3), keep=1).mask.all())


@pytest.mark.parametrize("keep", [0, -0.1, 1.1, float("nan"), 0.001])
def test_random_refuses(keep):
    with pytest.raises(ip.InputError, match="keep="):
        ip.Mask.random((4, 4), keep=keep)


def test_from_file(tmp_path):
    mask = torch.arange(20).reshape(4, 5) % 3 == 0
    for name, channels in (("gray.png", 1), ("colour.png", 3)):
        ip.write_image(tmp_path / name, mask.float().expand(1, channels, 4, 5))
        assert torch.equal(ip.Mask.from_file(tmp_path / name).mask, mask)


@pytest.mark.parametrize("kind", ["int64", "uint16", "uint8", "int8", "float64", "bool"])
def test_zeros_and_ones_of_any_type(tmp_path, kind):
    mask = torch.arange(20).reshape(4, 5) % 3 == 0
    np.save(tmp_path / "mask.npy", mask.numpy().astype(kind))
    assert torch.equal(ip.Mask.from_file(tmp_path / "mask.npy").mask, mask)
    np.save(tmp_path / "mask.npy", np.zeros((4, 5), kind))
    with pytest.raises(ip.InputError, match="nothing was observed"):
        ip.Mask.from_file(tmp_path / "mask.npy")
    np.save(tmp_path / "mask.npy", 255 * mask.numpy().astype("int64"))
    assert torch.equal(ip.Mask.from_file(tmp_path / "mask.npy").mask, mask)


def test_a_stack_of_masks_is_refused(tmp_path):
    tifffile.imwrite(tmp_path / "m.tif", np.ones((3, 4, 5), np.uint8), photometric="minisblack")
    with pytest.raises(ip.InputError, match="m.tif has 3 pages; save the one") as refused:
        ip.Mask.from_file(tmp_path / "m.tif")
    assert not refused.value.typed


def test_zeros_and_ones_of_255_are_told_what_is_white(tmp_path):
    ip.write_image(tmp_path / "ones.png", torch.eye(8)[None, None] / 255)
    with pytest.raises(ip.InputError, match=r"go from 0 to 1 of 255.*multiply it by 255"):
        ip.Mask.from_file(tmp_path / "ones.png")


def test_a_photograph_is_no_mask(tmp_path):
    ip.write_image(tmp_path / "photo.png", torch.rand(1, 1, 8, 8, generator=ip.generator(0)))
    with pytest.raises(ip.InputError, match="neither black nor white"):
        ip.Mask.from_file(str(tmp_path / "photo.png"))


@pytest.mark.parametrize("level", [0.05, 0.5, 0.9, 0.96])
def test_what_a_soft_brush_left_gray_is_missing(tmp_path, level):
    gray = torch.ones(20, 20)
    gray[5, 4:8], gray[6, 4:8] = 0, level
    ip.write_image(tmp_path / "soft.png", gray[None, None])
    with pytest.warns(UserWarning, match=r"1.0% of the pixels of .*soft.png are gray.*missing"):
        mask = ip.Mask.from_file(tmp_path / "soft.png").mask
    assert torch.equal(mask, gray == 1)


def test_white_may_be_a_little_gray(tmp_path, recwarn):
    gray = torch.ones(20, 20)
    gray[5, 4:8], gray[6, 4:8] = 0, 0.98
    for white in (1.0, 0.8):
        ip.write_image(tmp_path / "jpeg.png", white * gray[None, None], bits=16)
        assert torch.equal(ip.Mask.from_file(tmp_path / "jpeg.png").mask, gray > 0)
    assert not recwarn.list
