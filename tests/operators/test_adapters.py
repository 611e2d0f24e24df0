"""Operators made of functions and of scipy's objects; matrices; colour to gray; memory."""

import pickle

import numpy as np
import pytest
import scipy.sparse
import scipy.sparse.linalg
import torch
from operator_examples import matrix, random

import invprob as ip
from invprob.compatibility import lacks
from invprob.contracts import HasSVD, Invertible
from invprob.operators.factors import decompose
from invprob.operators.memo import Memo


def edges(x):
    return x.diff(dim=-1)


def spread(y):
    return torch.nn.functional.pad(-y.diff(dim=-1), (1, 1)) + torch.cat(
        [-y[..., :1], torch.zeros_like(y[..., :-1]), y[..., -1:]], -1
    )


def test_the_adjoint_of_a_function_is_differentiation():
    own = ip.from_callable(edges, spread, image_shape=(1, 3, 5), dtype=torch.float64)
    made = ip.from_callable(edges, image_shape=(1, 3, 5), dtype=torch.float64)
    y = random(2, 1, 3, 4)
    assert torch.allclose(own.adjoint(y), made.adjoint(y), atol=1e-15)
    with torch.no_grad():
        assert torch.equal(made.adjoint(y), own.adjoint(y))


def test_a_function_that_torch_cannot_differentiate():
    def forward(x):
        return torch.as_tensor(np.cumsum(x.detach().numpy(), -1))

    def adjoint(y):
        return torch.as_tensor(np.cumsum(y.detach().numpy()[..., ::-1], -1)[..., ::-1].copy())

    sums = ip.from_callable(forward, adjoint, image_shape=(6,))
    x = random(1, 6).requires_grad_()
    sums.forward(x).square().sum().backward()
    h = matrix(sums.forward, (6,))
    assert torch.allclose(x.grad, 2 * x.detach() @ h.T @ h)
    with pytest.raises(ip.InputError, match="failed"):
        ip.from_callable(forward, image_shape=(6,))


@pytest.mark.parametrize(
    "bad", [lambda x: x + 1, lambda x: x.clamp(0, 1), lambda x: x**2, torch.relu]
)
def test_what_is_not_linear(bad):
    with pytest.raises(ip.InputError, match="not linear"):
        ip.from_callable(bad, image_shape=(1, 4, 4))


def test_what_loses_the_batch():
    for bad in (lambda x: x.sum(), lambda x: x.flatten(), lambda x: x.mT.sum(0, keepdim=True)):
        with pytest.raises(ip.InputError, match="the first axis is the batch"):
            ip.from_callable(bad, image_shape=(4, 4))


def test_what_is_no_tensor_and_what_is_not_finite():
    for bad in (lambda x: x.numpy(), lambda x: x / 0, lambda x: None):
        with pytest.raises(ip.InputError, match="a finite torch.Tensor is needed"):
            ip.from_callable(bad, image_shape=(4, 4))


def test_what_is_not_the_adjoint():
    with pytest.raises(ip.InputError, match="is not its adjoint"):
        ip.from_callable(lambda x: x.roll(1, -1), lambda y: y, image_shape=(1, 4, 4))
    with pytest.raises(ip.InputError, match="makes images of shape"):
        ip.from_callable(edges, lambda y: y, image_shape=(1, 4, 4))
    with pytest.raises(ip.InputError, match="dtype="):
        ip.from_callable(edges, image_shape=(1, 4, 4), dtype=torch.int64)
    with pytest.raises(ip.InputError, match="failed on"):
        ip.from_callable(lambda x: x @ torch.ones(3, 3), image_shape=(1, 4, 4))


def test_scipy_operators():
    dense = np.asarray(random(3, 8))
    x = random(2, 2, 4)
    for made in (
        dense,
        scipy.sparse.coo_array(dense),
        scipy.sparse.linalg.aslinearoperator(dense),
    ):
        operator = ip.from_scipy(made, (2, 4))
        assert torch.allclose(operator.forward(x), x.flatten(1) @ torch.as_tensor(dense).T)
        assert operator.forward(x.float()).dtype == torch.float32
        assert repr(operator) == "from_scipy(3x8, image_shape=(2, 4))"


def test_scipy_refusals():
    with pytest.raises(ip.InputError, match="8 pixels, but images of shape"):
        ip.from_scipy(np.ones((3, 8)), (3, 3))
    with pytest.raises(ip.InputError, match="no linear operator"):
        ip.from_scipy("matrix.npz", (2, 4))
    with pytest.raises(ip.InputError, match="complex"):
        ip.from_scipy(np.ones((3, 8)) * 1j, (2, 4))
    forward_only = scipy.sparse.linalg.LinearOperator((3, 8), matvec=lambda x: x[:3])
    with pytest.raises(ip.InputError, match=r"transposed matrix \(.*rmatvec=\.\.\."):
        ip.from_scipy(forward_only, (2, 4))


def test_complex_measurements_are_two_real_channels():
    with pytest.raises(ip.InputError, match=r"complex.*torch.view_as_real\(f\(x\)\)"):
        ip.from_callable(torch.fft.fft2, image_shape=(1, 4, 4))
    fourier = ip.from_callable(
        lambda x: torch.view_as_real(torch.fft.fft2(x)), image_shape=(1, 4, 4)
    )
    x = random(2, 1, 4, 4).float()
    assert fourier.out_shape((1, 4, 4)) == (1, 4, 4, 2)
    torch.testing.assert_close(fourier.adjoint(fourier.forward(x)), 16 * x)


def test_other_shapes():
    operator = ip.from_callable(edges, image_shape=(1, 4, 4))
    with pytest.raises(ip.InputError, match="does not take images"):
        operator.forward(torch.ones(1, 1, 4, 5))
    with pytest.raises(ip.InputError, match="measurements of shape"):
        operator.adjoint(torch.ones(1, 1, 4, 4))


def test_dense():
    h = random(5, 8)
    operator = ip.Dense(h, image_shape=(2, 2, 2))
    assert torch.equal(matrix(operator.forward, (2, 2, 2)), h)
    assert "not square" in (lacks(operator, Invertible) or "")
    with pytest.raises(ip.InputError, match="can't be inverted: its rank is 5"):
        operator.inverse(torch.ones(1, 5))
    with pytest.raises(ip.InputError, match="takes 8 pixels"):
        ip.Dense(h, image_shape=(3, 3))
    for bad in (torch.ones(3), torch.zeros(2, 2), torch.full((2, 2), float("nan"))):
        with pytest.raises(ip.InputError):
            ip.Dense(bad, image_shape=(2,))
    with pytest.raises(ip.InputError):
        operator.forward(torch.ones(1, 8))
    with pytest.raises(ip.InputError, match="y of shape"):
        operator.adjoint(torch.ones(1, 4))


def test_the_callers_matrix_may_change_afterwards():
    h = random(3, 4)
    operator = ip.Dense(h, image_shape=(4,))
    wanted = h.sum(1)
    h.zero_()
    assert torch.allclose(operator.forward(torch.ones(1, 4).double()), wanted)


def test_orthonormal_columns_are_not_enough():
    """A tall matrix with orthonormal columns is no change of basis of the image."""
    columns = torch.linalg.qr(random(6, 4)).Q
    assert not ip.Dense(columns, (4,)).is_orthogonal()
    assert ip.Dense(torch.linalg.qr(random(4, 4)).Q, (4,)).is_orthogonal()
    assert lacks(ip.Compose(ip.Mask(torch.ones(6)), ip.Dense(columns, (4,))), HasSVD)


def test_nearly_singular_is_not_singular():
    h = torch.diag(torch.tensor([1.0, 1e-12, 1e-18], dtype=torch.float64))
    _, s, _ = decompose(h)
    assert s.tolist() == pytest.approx([1, 1e-12, 0], abs=0, rel=1e-3)


def test_grayscale():
    x = random(2, 3, 4, 4)
    y = ip.Grayscale().forward(x)
    assert torch.allclose(y[:, 0], 0.299 * x[:, 0] + 0.587 * x[:, 1] + 0.114 * x[:, 2])
    assert float(ip.Grayscale().svd((3, 4, 4)).s.max()) == pytest.approx(0.6686, abs=1e-4)
    with pytest.raises(ip.InputError, match="3 channels"):
        ip.Grayscale().forward(x[:, :1])
    with pytest.raises(ip.InputError, match="one channel"):
        ip.Grayscale().adjoint(x)
    for bad in ((0.0, 0.0), (), (float("nan"),), ((1.0,), (2.0,))):
        with pytest.raises(ip.InputError):
            ip.Grayscale(bad)


def test_memo_forgets_the_oldest():
    calls = []
    memo = Memo(2)

    def value(key):
        return memo.get(key, lambda: calls.append(key) or key)

    for key in (1, 2, 1, 3, 2, 1):
        assert value(key) == key
    assert calls == [1, 2, 3, 1]


@pytest.mark.parametrize("layout", [torch.sparse_coo, torch.sparse_csr])
@pytest.mark.filterwarnings("ignore:Sparse:UserWarning")
def test_a_sparse_tensor_is_a_matrix_of_scipy(layout):
    matrix = torch.tensor([[0.0, 2.0, 0.0, 1.0], [3.0, 0.0, 0.0, 0.0]])
    sparse = matrix.to_sparse(layout=layout)
    operator = ip.from_scipy(sparse, (1, 2, 2))
    x = torch.rand(3, 1, 2, 2, generator=ip.generator(0))
    torch.testing.assert_close(operator.forward(x), x.flatten(1) @ matrix.T)
    with pytest.raises(ip.InputError, match=r"is sparse .*from_scipy.*matrix.to_dense\(\)"):
        ip.Dense(sparse, (1, 2, 2))
    with pytest.raises(ip.InputError, match=r"from_callable\(f, image_shape=...\)"):
        ip.from_scipy(torch.nn.Identity(), (1, 2, 2))


def test_gradients_of_gradients_pass_through_what_torch_cannot_differentiate():
    operator = ip.from_scipy(np.asarray(random(3, 4)), (2, 2))
    x = random(1, 2, 2, seed=1).requires_grad_()
    y = random(1, 3, seed=2).requires_grad_()
    assert torch.autograd.gradgradcheck(operator.forward, (x,))
    assert torch.autograd.gradgradcheck(operator.adjoint, (y,))


@pytest.mark.filterwarnings("ignore:Sparse:UserWarning")
def test_entries_of_a_sparse_tensor_that_are_given_twice_add_up():
    where = torch.tensor([[0, 0, 1], [1, 1, 3]])
    sparse = torch.sparse_coo_tensor(where, torch.tensor([1.0, 2.0, 5.0]), (2, 4))
    operator = ip.from_scipy(sparse.requires_grad_(), (2, 2))
    y = operator.forward(torch.ones(1, 2, 2))
    assert y.tolist() == [[3, 5]] and not y.requires_grad


def test_one_number_for_each_image_is_no_measurement_without_an_axis():
    with pytest.raises(ip.InputError, match=r"makes \(3,\) of"):
        ip.from_callable(lambda x: x.flatten(1).sum(1), image_shape=(1, 4, 4))


def test_an_adjoint_keeps_the_batch():
    with pytest.raises(ip.InputError, match="the adjoint of .* makes images of shape"):
        ip.from_callable(lambda x: x, lambda y: y[:1], image_shape=(1, 4, 4))


def test_a_map_to_zero_is_linear():
    nothing = ip.from_callable(lambda x: 0 * x, image_shape=(1, 4, 4))
    assert not nothing.forward(torch.ones(1, 1, 4, 4)).any()


def test_a_tall_matrix_has_no_inverse():
    tall = ip.Dense(random(5, 3), image_shape=(3,))
    for use in (lambda: tall.inverse(torch.ones(1, 5)), lambda: tall.log_abs_det((3,))):
        with pytest.raises(ip.InputError, match="can't be inverted: its rank is 3"):
            use()
    with pytest.raises(ip.InputError, match="does not take images"):
        ip.Dense(random(3, 3), image_shape=(3,)).log_abs_det((4,))


def test_complex_numbers_are_no_matrix():
    with pytest.raises(ip.InputError, match="complex"):
        ip.Dense(torch.ones(2, 4, dtype=torch.complex64), (4,))


class Trap:
    """What runs when it is read from a pickle."""

    sprung: list = []

    def __reduce__(self):
        return self.sprung.append, (1,)


def test_a_matrix_in_a_file_runs_no_code(tmp_path):
    np.save(tmp_path / "h.npy", np.array([Trap()], dtype=object), allow_pickle=True)
    with pytest.raises(ip.InputError, match="can't be read as a matrix"):
        ip.Dense.from_file(tmp_path / "h.npy", (4,))


def test_a_copied_memo_is_empty_and_as_small():
    memo = Memo(1)
    memo.get(1, lambda: "old")
    twin = pickle.loads(pickle.dumps(memo))
    assert [twin.get(key, lambda key=key: key) for key in (1, 2)] == [1, 2]
    assert twin.get(1, lambda: "anew") == "anew"
