"""Products of operators: what they know, and what they refuse."""

import math

import pytest
import torch
from attrs import frozen
from operator_examples import random

import invprob as ip
from invprob.compatibility import lacks
from invprob.contracts import HasSVD, Invertible, Spectral
from invprob.operators import kernels

BLUR = ip.CircularBlur(kernels.gaussian(0.3))


def test_order():
    x = random(1, 3, 4, 4)
    product = ip.Compose(ip.Grayscale(), BLUR)
    assert torch.equal(product.forward(x), ip.Grayscale().forward(BLUR.forward(x)))


def test_gray_and_plane_commute():
    x = random(2, 3, 6, 6)
    one, other = (
        ip.Compose(ip.Grayscale(), ip.Downsample(2)),
        ip.Compose(ip.Downsample(2), ip.Grayscale()),
    )
    assert torch.allclose(one.forward(x), other.forward(x), atol=1e-15)
    assert torch.equal(one.svd((3, 6, 6)).s, other.svd((3, 6, 6)).s)


@pytest.mark.parametrize(
    "product", [ip.Compose(BLUR, ip.Identity()), ip.Compose(ip.Identity(), BLUR)]
)
def test_the_identity_takes_no_decomposition_away(product):
    assert torch.equal(product.svd((1, 6, 6)).s, BLUR.svd((1, 6, 6)).s)


def test_colour_and_plane_need_three_axes():
    """Of an image `(3, n)` a mask `(3, n)` is no map of a plane, so nothing is claimed."""
    product = ip.Compose(ip.Grayscale(), ip.Mask.random((3, 4), keep=0.5))
    with pytest.raises(ip.InputError, match="C, H, W"):
        product.svd((3, 4))


@pytest.mark.parametrize(
    "product",
    [
        ip.Compose(ip.Mask.random((8, 8)), BLUR),
        ip.Compose(BLUR, ip.Downsample(2)),
        ip.Compose(ip.Grayscale(), ip.CircularBlur(random(3, 3, 3))),
        ip.Compose(ip.Grayscale(), ip.BlurDecimate(random(3, 3, 3), 2)),
        ip.Compose(ip.Grayscale(), ip.Mask.random((3, 8, 8))),
    ],
)
def test_no_decomposition(product):
    reason = lacks(product, HasSVD)
    assert reason is not None and "product" in reason
    with pytest.raises(ip.InputError, match="has no SVD"):
        product.svd((3, 8, 8))
    assert "SVD" in (lacks(ip.Gaussian(sigma=0.1, operator=product), Spectral) or "")


def test_a_part_without_decomposition():
    product = ip.Compose(ip.Grayscale(), ip.CorrelationFilter("reflect"))
    assert "CorrelationFilter(boundary='reflect') has none" in (lacks(product, HasSVD) or "")
    with pytest.raises(ip.InputError, match="not symmetric"):
        product.svd((3, 8, 8))


def test_inverse_only_of_two():
    product = ip.Compose(BLUR, ip.Mask.random((4, 4)))
    assert "Mask" in (lacks(product, Invertible) or "")
    with pytest.raises(ip.InputError, match="can't be inverted"):
        product.inverse(torch.ones(1, 1, 4, 4))


def test_shapes_that_do_not_meet():
    product = ip.Compose(ip.Grayscale(), ip.Grayscale())
    with pytest.raises(ip.InputError, match="3 channels, not of shape"):
        product.out_shape((3, 4, 4))
    with pytest.raises(ip.InputError):
        ip.Compose(ip.Dense(torch.eye(4), (1, 2, 2)), ip.Downsample(2)).out_shape((1, 8, 8))


def test_no_operator():
    for bad in (lambda x: x, ip.Mask, 3):
        with pytest.raises(ip.InputError, match="from_callable"):
            ip.Compose(bad, BLUR)
        with pytest.raises(ip.InputError):
            ip.Stack([BLUR, bad], (1, 8, 8))


def test_observed_entries_are_those_of_the_outer_mask():
    mask = ip.Mask.random((1, 16), keep=0.5)
    product = ip.Compose(mask, ip.Hadamard(4))
    assert torch.equal(product.observed((1, 16)), mask.mask)
    x = random(1, 1, 4, 4)
    y = ip.Gaussian(sigma=0.5, operator=product).sample(x, ip.generator(0))
    assert torch.equal(y[0] != 0, mask.mask)
    assert bool(ip.Compose(ip.Hadamard(4), ip.Identity()).observed((1, 16)))


def test_stack():
    mask = ip.Mask.random((1, 4, 4), keep=0.5)
    both = ip.Stack([mask, ip.Downsample(2)], image_shape=(1, 4, 4))
    x = random(2, 1, 4, 4)
    y = both.forward(x)
    first, second = both.split(y)
    assert torch.equal(first, mask.forward(x))
    assert torch.equal(second, ip.Downsample(2).forward(x))
    seen = both.observed(both.out_shape((1, 4, 4)))
    assert tuple(seen.shape) == both.out_shape((1, 4, 4))
    assert torch.equal(seen[:16], mask.mask.flatten()) and bool(seen[16:].all())
    assert lacks(both, HasSVD)


def test_stack_refuses():
    with pytest.raises(ip.InputError, match="empty"):
        ip.Stack([], (1, 4, 4))
    with pytest.raises(ip.InputError, match="divisible by 3"):
        ip.Stack([ip.Downsample(3)], (1, 4, 4))
    both = ip.Stack([ip.Identity(), ip.Downsample(2)], (1, 4, 4))
    with pytest.raises(ip.InputError):
        both.adjoint(torch.ones(1, 19))
    with pytest.raises(ip.InputError):
        both.observed((19,))
    with pytest.raises(ip.InputError):
        both.forward(torch.ones(1, 1, 8, 8))
    with pytest.raises(ip.InputError, match="image_shape"):
        ip.Stack([ip.Identity()], 4)
    with pytest.raises(ip.InputError, match="image_shape"):
        ip.Stack([ip.Identity()], (0, 4))


def dense(rows, *shape):
    return ip.Dense(torch.ones(rows, math.prod(shape)), shape)


@pytest.mark.parametrize(
    ("outer", "inner"),
    [
        (dense(3, 1, 4, 4), dense(5, 1, 8, 8)),
        (ip.Hadamard(8), ip.Hadamard(4)),
        (ip.Mask(torch.ones(8, 8)), ip.Mask(torch.ones(4, 4))),
        (ip.Mask(torch.ones(8, 8)), ip.Mask(torch.ones(3, 4, 4))),
        (ip.Downsample(2), ip.Mask(torch.ones(7, 7))),
        (dense(3, 1, 4, 4), ip.Hadamard(4)),
        (dense(3, 3, 4, 4), ip.Grayscale()),
        (ip.Mask(torch.ones(4, 4)), ip.Compose(ip.Downsample(2), ip.Mask(torch.ones(12, 12)))),
        (ip.Stack([ip.Downsample(2)], (1, 8, 8)), ip.Mask(torch.ones(3, 8, 8))),
        (ip.from_callable(lambda x: x[..., :2], image_shape=(1, 4, 4)), dense(16, 1, 4, 4)),
        (ip.CircularBlur(torch.ones(5, 5)), ip.Mask(torch.ones(4, 4))),
    ],
    ids=repr,
)
def test_shapes_that_can_not_meet_are_refused_at_once(outer, inner):
    with pytest.raises(ip.InputError, match="does not take what inner=") as error:
        ip.Compose(outer, inner)
    assert repr(outer) in str(error.value) and repr(inner) in str(error.value)


class Pairs:
    """An operator of someone else's, for images of two channels alone, which it does not say."""

    def forward(self, x):
        return x.sum(1, keepdim=True)

    def adjoint(self, y):
        return y.expand(-1, 2, -1, -1)

    def out_shape(self, shape):
        if shape[0] != 2:
            raise ip.InputError("two channels")
        return (1, *shape[1:])

    def __repr__(self):
        return "Pairs()"


@pytest.mark.parametrize(
    ("outer", "inner", "shape"),
    [
        (ip.Mask(torch.ones(8, 8)), ip.Grayscale([1.0] * 31), (31, 8, 8)),
        (ip.Grayscale([1.0] * 31), ip.Mask(torch.ones(8, 8)), (31, 8, 8)),
        (dense(2, 2, 3, 8, 8), ip.Mask(torch.ones(8, 8)), (2, 3, 8, 8)),
        (dense(2, 2, 3, 64), ip.Hadamard(8), (2, 3, 8, 8)),
        (dense(2, 64), ip.Hadamard(8), (8, 8)),
        (ip.CircularBlur(torch.ones(5, 2, 2)), ip.Mask(torch.ones(8, 8)), (5, 8, 8)),
        (Pairs(), ip.Mask(torch.ones(8, 8)), (2, 8, 8)),
        (ip.Mask(torch.ones(4, 4)), ip.Downsample(2), (7, 8, 8)),
        (ip.Mask(torch.ones(1, 4)), ip.Downsample(2), (1, 2, 8)),
        (ip.Identity(), dense(3, 4), (4,)),
    ],
    ids=repr,
)
def test_shapes_that_can_meet_are_not(outer, inner, shape):
    both = ip.Compose(outer, inner)
    assert both.forward(torch.ones(2, *shape)).shape == (2, *both.out_shape(shape))


@frozen
class Roll:
    """Orthogonal, and no more is known of it."""

    def forward(self, x, /):
        return x.roll(1, -1)

    def adjoint(self, y, /):
        return y.roll(-1, -1)

    def out_shape(self, shape, /):
        return shape

    def is_orthogonal(self):
        return True


@pytest.mark.parametrize("order", [1, -1])
def test_an_orthogonal_factor_needs_no_decomposition_of_its_own(order):
    mask = ip.Mask(torch.eye(4))
    product = ip.Compose(*(mask, Roll())[::order])
    assert lacks(product, HasSVD) is None
    svd, x = product.svd((1, 4, 4)), torch.rand(2, 1, 4, 4, generator=ip.generator(0))
    assert torch.equal(svd.u(svd.s * svd.vt(x)), product.forward(x))


@pytest.mark.parametrize("order", [1, -1])
def test_an_orthogonal_factor_alone_makes_no_orthogonal_product(order):
    pair = ip.Hadamard(4), ip.CircularBlur(torch.tensor([[0.5, 0.3]]))
    assert not ip.Compose(*(ip.Identity(), pair[1])[::order]).is_orthogonal()
    assert not ip.Compose(*(Roll(), pair[1])[::order]).is_orthogonal()
    assert ip.Compose(*(Roll(), pair[0])[::order]).is_orthogonal()
    assert ip.Compose(*(ip.Identity(), pair[0])[::order]).is_orthogonal()


def test_determinants_multiply_also_of_other_shapes():
    transform, a = ip.Hadamard(4), ip.Dense(random(16, 16), (1, 16))
    product = ip.Compose(a, transform)
    assert torch.allclose(product.log_abs_det((1, 4, 4)), a.log_abs_det((1, 16)))


def test_a_decomposition_is_refused_for_images_that_the_outer_one_does_not_take():
    with pytest.raises(ip.InputError, match="images of 4x4"):
        ip.Compose(ip.Hadamard(4), BLUR).svd((1, 8, 8))


def test_a_product_takes_what_its_outer_factor_is_made_for():
    inner = ip.Compose(dense(3, 1, 4, 4), ip.Downsample(2))
    assert inner.takes() == (1, 8, 8)
    with pytest.raises(ip.InputError, match="does not take what inner="):
        ip.Compose(inner, ip.Hadamard(4))


def test_a_product_that_takes_any_channels_does_not_say_one():
    any_colour = ip.Compose(ip.Downsample(2), ip.Mask(torch.ones(8, 8)))
    assert any_colour.takes() == ()
    assert ip.Compose(ip.Grayscale(), any_colour).out_shape((3, 8, 8)) == (1, 4, 4)
