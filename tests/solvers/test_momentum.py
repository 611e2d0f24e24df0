"""How descents look ahead, row by row."""

import pytest
import torch

from invprob.solvers.momentum import look_ahead


def test_only_a_row_that_turned_back_starts_anew():
    """After a step against the last one: the moves of Beck and Teboulle from t = 1."""
    before, x = torch.zeros(2, 3), torch.tensor([[0.5, 0.0, 0.1], [0.5, 0.0, 0.1]])
    z = x + torch.tensor([[1.0, 0.0, 0.0], [-1.0, 0.0, 0.0]])
    ahead, t = look_ahead(before, z, x, torch.tensor([2.0, 2.0]))
    following = [(1 + (1 + 4 * t**2) ** 0.5) / 2 for t in (1.0, 2.0)]
    assert t.tolist() == pytest.approx(following)
    torch.testing.assert_close(ahead[0], x[0])
    torch.testing.assert_close(ahead[1], x[1] * (1 + 1 / following[1]))
