"""What an operator remembers is of one image size and one precision."""

import pickle

import pytest
import torch
from operator_examples import EXAMPLES, random

import invprob as ip
from invprob.compatibility import lacks
from invprob.contracts import HasSVD, Invertible


def larger(operator, shape):
    """A larger image that the operator takes too, or else the same."""
    for other in ((*shape[:-1], 2 * shape[-1]), (*shape[:-2], *(2 * n for n in shape[-2:]))):
        try:
            operator.out_shape(other)
            return other
        except ip.InputError:
            continue
    return shape


def answers(operator, shape, dtype):
    x = random(1, *shape).to(dtype)
    y = operator.forward(x)
    found = {"forward": y, "adjoint": operator.adjoint(y)}
    if not lacks(operator, HasSVD):
        svd = operator.svd(shape)
        w = svd.vt(x)
        found |= {"s": svd.s, "vt": w, "v": svd.v(w), "u": svd.u(w), "ut": svd.ut(y)}
    if not lacks(operator, Invertible):
        try:
            found |= {"inverse": operator.inverse(y), "back": operator.inverse_adjoint(x)}
        except ip.InputError:  # singular
            pass
    return found


@pytest.mark.parametrize("name", EXAMPLES)
def test_it_is_that_of_the_image_at_hand(name):
    operator, shape = EXAMPLES[name]
    operator = pickle.loads(pickle.dumps(operator))  # remembers nothing yet
    other = larger(operator, shape)
    for size, dtype in ((shape, torch.float32), (shape, torch.float64), (other, torch.float64)):
        fresh = pickle.loads(pickle.dumps(operator))
        found, wanted = (answers(one, size, dtype) for one in (operator, fresh))
        assert all(torch.equal(found[key], wanted[key]) for key in wanted)
