"""Operators from outside are tried where they are used: adjoints that are none are refused."""

import attrs
import pytest
import torch

import invprob as ip

PRIOR = ip.DenoiserPrior(lambda x, sigma: x)
Y = torch.full((2, 1, 6, 6), 0.5)


@attrs.frozen
class Shaken:
    """Means of shifts; `back` is what the adjoint does with them, `inside` what both are in."""

    back: object = lambda y: (y + y.roll(-1, -1) + y.roll(-2, -1)) / 3
    inside: object = lambda x: x
    calls: list = attrs.field(factory=list)

    def forward(self, x, /):
        self.calls.append(("forward", x.dtype))
        x = self.inside(x)
        return (x + x.roll(1, -1) + x.roll(2, -1)) / 3

    def adjoint(self, y, /):
        self.calls.append(("adjoint", y.dtype))
        return self.back(self.inside(y))

    def out_shape(self, shape, /):
        return shape

    def __repr__(self):
        return "Shaken()"


def only_single(x):
    if x.dtype != torch.float32:
        raise RuntimeError("expected scalar type Float but found Double")
    return x


RIGHT = Shaken().back


def forgets(y):
    return (y + y.roll(1, -1) + y.roll(2, -1)) / 3


LIKELIHOODS = {
    "Gaussian": lambda operator: ip.Gaussian(0.02, operator),
    "Observed": lambda operator: ip.Observed(ip.Poisson(peak=30), operator),
    "composed": lambda operator: ip.Gaussian(
        0.02, ip.Compose(ip.CircularBlur.named("uniform3"), operator)
    ),
    "wrapped": lambda operator: ip.Mixture(ip.Observed(ip.Rayleigh(0.3), operator), 0.05),
}


@pytest.mark.parametrize("name", LIKELIHOODS)
def test_a_wrong_adjoint_is_refused_wherever_it_is(name):
    make = LIKELIHOODS[name]
    with pytest.raises(ip.InputError, match=r"the adjoint of .*Shaken\(\).* is not its adjoint"):
        ip.Problem(PRIOR, make(Shaken(forgets)), Y)
    ip.Problem(PRIOR, make(Shaken()), Y)


@pytest.mark.parametrize("inside", [lambda x: x, only_single, lambda x: x.float().to(x)])
def test_a_small_error_is_found_and_rounding_is_none(inside):
    for factor in (1.001, 0.999):
        with pytest.raises(ip.InputError, match="is not its adjoint"):
            wrong = Shaken(lambda y, factor=factor: factor * RIGHT(y), inside)
            ip.Problem(PRIOR, ip.Gaussian(0.02, wrong), Y)
    for y in (Y, torch.full((2, 3, 64, 64), 0.5)):
        ip.Problem(PRIOR, ip.Gaussian(0.02, Shaken(inside=inside)), y)


def test_in_double_precision_a_smaller_one_is():
    with pytest.raises(ip.InputError, match="is not its adjoint"):
        ip.Problem(PRIOR, ip.Gaussian(0.02, Shaken(lambda y: 1.00001 * RIGHT(y))), Y)
    with pytest.raises(ip.InputError, match="is not its adjoint"):
        ip.from_callable(Shaken().forward, lambda y: 1.00001 * RIGHT(y), image_shape=(1, 32, 32))


def test_functions_in_single_precision_are_tried_in_it():
    kernel = torch.tensor([1.0, 2.0, 1.0]).reshape(1, 1, 1, 3)

    def blur(x):
        return torch.nn.functional.conv2d(x, kernel, padding=(0, 1))

    ip.from_callable(blur, blur, image_shape=(1, 64, 64))
    with pytest.raises(ip.InputError, match="is not its adjoint"):
        ip.from_callable(blur, lambda y: 1.001 * blur(y), image_shape=(1, 64, 64))


def test_it_is_one_call_of_each_and_none_for_samples():
    operator = Shaken()
    problem = ip.Problem(PRIOR, ip.Gaussian(0.02, operator), Y)
    assert operator.calls == [("forward", torch.float64), ("adjoint", torch.float64)]
    problem.repeat(4)
    assert len(operator.calls) == 2


def test_what_is_not_linear_is_said_and_what_fails_is_left_to_its_use():
    with pytest.raises(ip.InputError, match=r"Shaken\(\) is not linear"):
        ip.Problem(PRIOR, ip.Gaussian(0.02, Shaken(inside=lambda x: x.clamp(0, 1))), Y)

    def fails(x):
        raise RuntimeError("not today")

    assert ip.Problem(PRIOR, ip.Gaussian(0.02, Shaken(inside=fails)), Y).measurements == 2


class Gray:
    """Means of three channels, by a class that does not say of what images."""

    def forward(self, x, /):
        return x.mean(1, keepdim=True)

    def adjoint(self, y, /):
        return y.expand(-1, 3, -1, -1) / 3

    def out_shape(self, shape, /):
        return 1, *shape[1:]

    def __repr__(self):
        return "Gray()"


class Rows(Gray):
    """Sums of rows, of the first channel."""

    def forward(self, x, /):
        return x.sum((1, 3))

    def adjoint(self, y, /):
        return y[:, None, :, None].expand(-1, 1, -1, 32)

    def out_shape(self, shape, /):
        return (shape[1],)


BEHIND = [lambda H: ip.Gaussian(0.1, operator=H), lambda H: ip.Observed(ip.Poisson(30), H)]


@pytest.mark.parametrize("behind", BEHIND)
def test_images_of_another_shape_are_said_where_the_operator_does_not(behind):
    for operator, shape in ((Gray(), (3, 32, 32)), (Rows(), (1, 32, 32))):
        prior = ip.GaussianPrior(mean=torch.full(shape, 0.5), sd=0.2)
        likelihood = behind(operator)
        y = operator.forward(torch.full((2, *shape), 0.5))
        problem = ip.Problem(prior, likelihood, y, image_shape=shape)
        assert problem.repeat(2).image_shape == shape
        if isinstance(likelihood, ip.Gaussian):
            assert ip.solve(problem, ip.PnP(iterations=2)).x.shape == (2, *shape)
        with pytest.raises(ip.InputError, match=r"of shape .* makes .* give image_shape="):
            ip.Problem(prior, likelihood, y, image_shape=(1, 16, 16))


def test_an_operator_that_does_not_say_is_told_what_it_lacks():
    with pytest.raises(ip.InputError, match=r"no method image_shape\(shape\).*image_shape=\.\.\."):
        ip.Problem(PRIOR, ip.Gaussian(0.1, operator=Rows()), torch.full((1, 32), 16.0))
    with pytest.raises(ip.InputError, match=r"of Gray\(\) makes .*\(3, 3, 6, 6\).*image_shape="):
        ip.Problem(PRIOR, ip.Gaussian(0.1, operator=Gray()), Y)


def test_maps_that_are_nearly_linear_have_no_looser_adjoint():
    def bent(x):
        return x + 3e-5 * x.abs()

    ip.from_callable(bent, lambda y: y, image_shape=(1, 8, 8))
    with pytest.raises(ip.InputError, match="is not its adjoint"):
        ip.from_callable(bent, lambda y: 1.005 * y, image_shape=(1, 8, 8))


def test_a_wrong_adjoint_in_a_stack_is_refused():
    def stacked(operator):
        return ip.Stack([ip.Identity(), operator], (1, 6, 6))

    y = torch.full((2, 72), 0.5)
    ip.Problem(PRIOR, ip.Gaussian(0.02, stacked(Shaken())), y)
    with pytest.raises(ip.InputError, match="is not its adjoint"):
        ip.Problem(PRIOR, ip.Gaussian(0.02, stacked(Shaken(forgets))), y)
