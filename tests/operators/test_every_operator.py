"""Each operator against its own matrix: decomposition, inverse, determinant, shapes, precision."""

import copy
import math
import pickle

import pytest
import torch
from operator_examples import EXAMPLES, matrix, random

import invprob as ip
from invprob.compatibility import lacks
from invprob.contracts import HasSVD, Invertible, LinearOperator, Proximal

WITH_SVD = [name for name, (operator, _) in EXAMPLES.items() if not lacks(operator, HasSVD)]
BLIND = {"mask after blur", "filter, reflect", "blur after filter"}
VALID = {name for name in EXAMPLES if name.startswith("blur, valid")}
SINGULAR = {"blur, blind", "separable, blind", "dense, singular"}
INVERTIBLE = [
    name
    for name, (operator, _) in EXAMPLES.items()
    if not lacks(operator, Invertible) and name not in SINGULAR
]


@pytest.fixture(params=EXAMPLES)
def example(request):
    return EXAMPLES[request.param]


@pytest.fixture(params=WITH_SVD)
def decomposed(request):
    operator, shape = EXAMPLES[request.param]
    return operator, shape, operator.svd(shape)


@pytest.fixture(params=INVERTIBLE)
def invertible(request):
    return EXAMPLES[request.param]


def test_who_has_what():
    without = {name for name in EXAMPLES if name not in WITH_SVD}
    assert without == BLIND | VALID | {"stack", "a function", "scipy"}
    assert set(INVERTIBLE) >= {"identity", "blur after filter", "dense, square", "filter, reflect"}


def test_shapes(example):
    operator, shape = example
    assert isinstance(operator, LinearOperator)
    y = operator.forward(random(2, *shape))
    assert tuple(y.shape[1:]) == operator.out_shape(shape)
    assert operator.image_shape(operator.out_shape(shape)) == shape
    assert operator.adjoint(y).shape == (2, *shape)


def test_adjoint(example):
    operator, shape = example
    x = random(3, *shape, seed=1)
    y = random(3, *operator.out_shape(shape), seed=2)
    left = (operator.forward(x) * y).flatten(1).sum(1)
    right = (x * operator.adjoint(y)).flatten(1).sum(1)
    assert torch.allclose(left, right, rtol=1e-12, atol=1e-12)


def test_an_image_alone_is_an_image_in_a_batch(example):
    operator, shape = example
    x = random(3, *shape)
    y = operator.forward(x)
    assert torch.allclose(operator.forward(x[1:2]), y[1:2], rtol=0, atol=1e-14)
    assert torch.allclose(operator.adjoint(y[2:]), operator.adjoint(y)[2:], rtol=0, atol=1e-13)


def test_single_precision(example):
    operator, shape = example
    x = random(2, *shape)
    y = operator.forward(x)
    assert operator.forward(x.float()).dtype == torch.float32
    assert torch.allclose(operator.forward(x.float()).double(), y, atol=1e-5)
    assert torch.allclose(operator.adjoint(y.float()).double(), operator.adjoint(y), atol=1e-4)


def test_gradient_is_the_adjoint(example):
    operator, shape = example
    x = random(2, *shape).requires_grad_()
    y = random(2, *operator.out_shape(shape), seed=3)
    (gradient,) = torch.autograd.grad(operator.forward(x), x, y)
    assert torch.allclose(gradient, operator.adjoint(y), atol=1e-12)


def test_gradients_pass_after_a_first_use_in_inference_mode(example):
    operator, shape = example
    operator = pickle.loads(pickle.dumps(operator))  # remembers nothing yet
    x = random(1, *shape)
    with torch.inference_mode():
        y = operator.forward(x)
        operator.adjoint(y)
    x.requires_grad_()
    operator.forward(x).sum().backward()
    assert torch.allclose(x.grad, operator.adjoint(torch.ones_like(y).clone()), atol=1e-12)


def test_inputs_are_left_alone(example):
    operator, shape = example
    x = random(2, *shape)
    y = random(2, *operator.out_shape(shape))
    kept = x.clone(), y.clone()
    operator.forward(x)
    operator.adjoint(y)
    if not lacks(operator, HasSVD):
        svd = operator.svd(shape)
        svd.v(svd.vt(x))
        svd.u(svd.ut(y))
    assert torch.equal(x, kept[0]) and torch.equal(y, kept[1])


def test_pickle_and_copy(example):
    operator, shape = example
    x = random(1, *shape)
    y = operator.forward(x)  # fills what is remembered
    for other in (pickle.loads(pickle.dumps(operator)), copy.deepcopy(operator)):
        assert torch.equal(other.forward(x), y)
        assert repr(other) == repr(operator)


def test_repr_is_short(example):
    operator, _ = example
    assert len(repr(operator)) < 160
    assert "tensor" not in repr(operator) and "Memo" not in repr(operator)


def test_decomposition(decomposed):
    operator, shape, svd = decomposed
    n, spectral, measured = math.prod(shape), tuple(svd.s.shape), operator.out_shape(shape)
    h = matrix(operator.forward, shape)
    v, vt = matrix(svd.v, spectral), matrix(svd.vt, shape)
    u, ut = matrix(svd.u, spectral), matrix(svd.ut, measured)
    s = svd.s.flatten()
    assert s.numel() == n and s.dtype == torch.float64 and bool((s >= 0).all())
    eye = torch.eye(n, dtype=torch.float64)
    for got, wanted in (
        (u * s @ vt, h),
        (v @ vt, eye),
        (vt, v.T),
        (ut, u.T),
        (ut @ u, torch.diag((s > 0).double())),
    ):
        assert torch.allclose(got, wanted, rtol=0, atol=2e-14 * max(1, float(s.max())))
    exact = torch.linalg.svdvals(h)
    assert torch.allclose(s.sort(descending=True).values[: len(exact)], exact, atol=1e-13)
    assert int((s > 0).sum()) == int(torch.linalg.matrix_rank(h))


def test_decomposition_of_a_batch_in_single_precision(decomposed):
    operator, shape, svd = decomposed
    x = random(3, *shape, dtype=torch.float32)
    w = svd.vt(x)
    assert w.dtype == torch.float32 and w.shape == (3, *svd.s.shape)
    assert torch.allclose(svd.v(w), x, atol=1e-5)
    assert torch.allclose(svd.u(svd.s.to(w) * w), operator.forward(x), atol=1e-5)
    y = operator.forward(x)
    assert torch.allclose(svd.s.to(w) * w, svd.ut(y), atol=1e-5)


def test_singular_values_are_the_callers_own(decomposed):
    operator, shape, svd = decomposed
    kept = svd.s.clone()
    svd.s.fill_(7)
    assert torch.equal(operator.svd(shape).s, kept)


def test_prox_through_the_decomposition(decomposed):
    operator, shape, _ = decomposed
    noise = ip.Gaussian(sigma=0.3, operator=operator)
    if lacks(noise, Proximal):
        pytest.skip(lacks(noise, Proximal))
    v, step = random(1, *shape, seed=6), torch.tensor(0.05, dtype=torch.float64)
    y = operator.forward(random(1, *shape, seed=7))
    x = noise.prox(y, v, step)
    assert torch.allclose((x - v) / step, noise.grad_x(y, x), atol=1e-10)


def test_inverse(invertible):
    operator, shape = invertible
    a = matrix(operator.forward, shape)
    x = random(2, *shape)
    condition = float(torch.linalg.cond(a))
    assert condition < 1e6
    y = operator.forward(x)
    assert torch.allclose(operator.inverse(y), x, atol=1e-13 * condition)
    solved = torch.linalg.solve(a.T, x.flatten(1).T).T
    assert torch.allclose(
        operator.inverse_adjoint(x).flatten(1), solved, atol=1e-13 * condition**2
    )
    determinant = operator.log_abs_det(shape)
    assert determinant.shape == ()
    assert torch.allclose(determinant, torch.linalg.slogdet(a).logabsdet, atol=1e-10)


@pytest.mark.parametrize("name", sorted(SINGULAR))
def test_nothing_to_invert(name):
    operator, shape = EXAMPLES[name]
    x = random(1, *shape)
    for attempt in (
        lambda: operator.inverse(x.flatten(1) if name.startswith("dense") else x),
        lambda: operator.inverse_adjoint(x),
        lambda: operator.log_abs_det(shape),
    ):
        with pytest.raises(ip.InputError, match="can't be inverted"):
            attempt()


@pytest.mark.parametrize("name", [name for name in EXAMPLES if name != "scipy"])
def test_nothing_stays_on_the_cpu(name):
    """On the meta device, any constant left on the CPU is an error."""
    operator, shape = EXAMPLES[name]
    x = torch.empty((2, *shape), device="meta")
    y = torch.empty((2, *operator.out_shape(shape)), device="meta")
    assert operator.forward(x).device == operator.adjoint(y).device == x.device
    if not lacks(operator, HasSVD):
        svd = operator.svd(shape)
        w = svd.vt(x)
        assert {t.device for t in (w, svd.v(w), svd.u(w), svd.ut(y))} == {x.device}
    if name in INVERTIBLE:
        assert operator.inverse(y).device == operator.inverse_adjoint(x).device == x.device


LARGE = {
    "blur": ip.CircularBlur.named("motion9@30"),
    "separable": ip.SeparableBlur.named("gaussian1.5"),
    "downsample": ip.Downsample(4),
    "decimate": ip.BlurDecimate.named("gaussian1.5", 4),
    "hadamard": ip.Hadamard(256, keep=0.25, scramble=True),
    "fourier": ip.Fourier.lines(256),
    "grayscale": ip.Grayscale(),
    **{f"filter, {b}": ip.CorrelationFilter(b) for b in ("circular", "zero", "replicate")},
    "gray after blur": ip.Compose(ip.Grayscale(), ip.CircularBlur.named("uniform5")),
}


@pytest.mark.parametrize("name", LARGE)
def test_a_photograph_in_single_precision(name):
    """256 x 256 x 3: a matrix would hold 38 thousand million numbers."""
    operator, shape = LARGE[name], (3, 256, 256)
    x = torch.rand(1, *shape, generator=ip.generator(0))
    svd = operator.svd(shape)
    w = svd.vt(x)
    y = operator.forward(x)
    assert torch.allclose(svd.v(w), x, atol=1e-5)
    assert torch.allclose(svd.u(svd.s.to(w) * w), y, atol=1e-5 * float(y.abs().max()))


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("circular-blur:kernel=motion5@30", "CircularBlur(kernel=5x7)"),
        (
            "separable-blur:kernel=gaussian1,boundary=zero",
            "SeparableBlur(kernel=7x7, boundary='zero')",
        ),
        ("downsample:factor=4", "Downsample(factor=4)"),
        ("blur-decimate:kernel=uniform4,factor=2", "BlurDecimate(kernel=4x4, factor=2)"),
        ("hadamard:size=16,keep=1/4", "Hadamard(16x16, keep=0.25)"),
        ("hadamard:size=8,16,scramble=yes", "Hadamard(8x16, keep=1, scramble=True)"),
        ("fourier:size=16,keep=1/4", "Fourier(25% of (16, 16))"),
        ("fourier:size=8,16,keep=0.5,centre=1/8,seed=3", "Fourier(50% of (8, 16))"),
        ("grayscale", "Grayscale(weights=(0.299, 0.587, 0.114))"),
        ("grayscale:weights=0.5,0.5", "Grayscale(weights=(0.5, 0.5))"),
        ("correlation-filter:boundary=reflect", "CorrelationFilter(boundary='reflect')"),
    ],
)
def test_in_a_command_line(text, wanted):
    from invprob.cli.specs import make

    assert repr(make("operator", text)) == wanted
