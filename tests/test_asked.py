"""What `solve` is asked for: what it can't call or begin with."""

import pytest

import invprob as ip


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"callbacks": print}, "give a list of them"),
        ({"callbacks": [3]}, "3 can't be called"),
        ({"stop": 5}, "stop=5 can't be called"),
        ({"x0": [[0.0]]}, "x0 is of type list"),
    ],
)
def test_what_can_not_be_called_or_begun_with(problem, given, message):
    with pytest.raises(ip.InputError, match=message):
        ip.solve(problem, ip.PnP(), **given)
