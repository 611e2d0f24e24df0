from invprob_laplace import Laplace

from invprob.testing import parametrize


@parametrize(Laplace(scale=0.1), Laplace(scale=0.02))
def test_conforms(check):
    check()
