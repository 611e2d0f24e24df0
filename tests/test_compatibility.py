import re

import pytest
import torch

import invprob as ip
from invprob.compatibility import NATURE, alternatives, lacks, missing

GRAY = torch.full((1, 1, 8, 8), 0.5)


class OnlySamples:
    """A noise model that can be simulated and nothing else."""

    def sample(self, x, generator, /):
        return x

    def __repr__(self):
        return "OnlySamples()"


class Withdrawn:
    """A noise model that takes a capability back."""

    def sample(self, x, generator, /):
        return x

    def prox(self, y, v, step, /):
        return v

    def withdrawn(self):
        return {ip.contracts.Proximal: "its weather is bad (Gaussian's is good)"}

    def __repr__(self):
        return "Withdrawn()"


@pytest.fixture
def photos():
    return ip.GaussianPrior(mean=GRAY[0], sd=0.2)


def test_a_refusal_names_all_that_is_missing_and_what_would_work():
    problem = ip.Problem(OnlySamples(), OnlySamples(), GRAY)
    with pytest.raises(ip.IncompatibleError) as caught:
        ip.solve(problem, ip.Restart())
    assert str(caught.value).splitlines() == [
        "Restart cannot solve this problem:",
        "  - prior OnlySamples() is not Denoises: it has no method `denoise(x, sigma)`: "
        f"{NATURE[ip.contracts.Denoises]}.",
        "  - likelihood OnlySamples() is neither Spectral nor LocallyGaussian: it has no method "
        f"`spectrum(shape)`: {NATURE[ip.contracts.Spectral]}; it has no method "
        f"`surrogate(y, x, sigma)`: {NATURE[ip.contracts.LocallyGaussian]}.",
        "No installed solver accepts this prior and this likelihood together.",
    ]


class OnlyScores:
    """A prior by its score at every noise level: that of N(0.5, 0.04)."""

    def score(self, x, sigma, /):
        return (0.5 - x) / (0.04 + sigma.view(-1, 1, 1, 1) ** 2)


def test_a_prior_with_a_score_is_told_how_it_denoises(photos):
    prior, noise = OnlyScores(), ip.Gaussian(sigma=0.2)
    with pytest.raises(ip.IncompatibleError, match="its score says it") as caught:
        ip.solve(ip.Problem(prior, noise, GRAY))
    assert "does not follow" not in str(caught.value)
    line = re.search(r"ip\.DenoiserPrior\(.*sigma\)\)", str(caught.value))[0]
    made = eval(line, {"ip": ip, "prior": prior})
    torch.testing.assert_close(made.denoise(GRAY + 0.1, 0.3), photos.denoise(GRAY + 0.1, 0.3))
    noisy = ip.MeasuredPrior(lambda y: -y)
    assert lacks(noisy, ip.contracts.Denoises).endswith(NATURE[ip.contracts.Denoises])


def test_a_withdrawn_capability_gives_its_reason_and_the_alternatives(photos):
    problem = ip.Problem(photos, Withdrawn(), GRAY)
    with pytest.raises(
        ip.IncompatibleError, match="is not Proximal: its weather is bad"
    ) as caught:
        ip.solve(problem, ip.PnP())
    assert "No installed solver" in str(caught.value)
    assert "DenoiserPrior" not in str(caught.value)


def test_an_operator_without_svd_is_refused_by_name(photos):
    class Shift:
        def forward(self, x, /):
            return torch.roll(x, 1, -1)

        def adjoint(self, y, /):
            return torch.roll(y, -1, -1)

        def out_shape(self, shape, /):
            return shape

        def __repr__(self):
            return "Shift()"

    noise = ip.Gaussian(sigma=0.1, operator=Shift())
    with pytest.raises(ip.IncompatibleError) as caught:
        ip.solve(ip.Problem(photos, noise, GRAY), ip.AnnealedLangevin())
    text = str(caught.value)
    who = "likelihood Gaussian(sigma=0.1, operator=Shift())"
    assert f"{who} is not Spectral: its operator" in text
    assert "no SVD" in text and "Dense(matrix, image_shape)" in text


def test_alternatives_are_solvers_that_accept(photos):
    problem = ip.Problem(photos, ip.Gaussian(sigma=0.1), GRAY)
    assert set(alternatives(problem)) >= {"PnP", "AnnealedLangevin", "Restart"}
    assert "PnP" not in alternatives(problem, stochastic=True)


def test_lacks_and_missing_agree_with_the_methods(photos):
    assert lacks(photos, ip.contracts.Denoises) is None
    assert "encode(x)" in lacks(photos, ip.contracts.HasLatent)
    assert missing(ip.PnP(), prior=photos, likelihood=ip.Gaussian(sigma=0.1)) == []
    assert len(missing(ip.PnP(), prior=OnlySamples(), likelihood=OnlySamples())) == 2


def test_the_matrix_says_what_solve_does():
    for kind, table in zip(("prior", "likelihood"), ip.matrix().tables, strict=False):
        for row in table.rows:
            part = ip.catalogue().get(kind, row).example()
            for column in table.columns:
                solver = ip.catalogue().get("solver", column).example()
                assert bool(table.reasons[row, column]) == bool(missing(solver, **{kind: part}))


def test_the_matrix_has_a_row_for_every_part_and_explains_every_dash():
    matrix = ip.matrix()
    rows = {row for table in matrix.tables for row in table.rows}
    assert rows == {part.name for part in ip.catalogue().components if part.kind != "solver"}
    for table in matrix.tables:
        for (row, column), reason in table.reasons.items():
            said = ip.why(column, row)
            assert (reason in said) if reason else ("they go together" in said)
            assert not re.search(r"it has no method [^:;]*(;|$)", reason), reason
    assert matrix.markdown().count("✓") == str(matrix).count("yes")


def test_names_that_do_not_exist_get_suggestions():
    with pytest.raises(ip.UnknownNameError, match="did you mean 'pnp'"):
        ip.why("pmp", "gaussian")
    with pytest.raises(ip.UnknownNameError, match="called 'PnP'; did you mean 'pnp'"):
        ip.catalogue().get("solver", "PnP")
    with pytest.raises(ip.UnknownNameError, match="did you mean 'denoiser'"):
        ip.catalogue().priors["denoisr"]
    with pytest.raises(ip.UnknownNameError, match="no component called 'gausian'; did you mean"):
        ip.why("pnp", "gausian")
    with pytest.raises(ip.UnknownNameError, match="There is: .*circular-blur"):
        ip.catalogue().get("operator", "zzz")
    with pytest.raises(ip.InputError, match="is a solver"):
        ip.why("pnp", "restart")


@pytest.mark.parametrize(
    ("kind", "name", "message"),
    [("flavour", "x", "no kind of component"), ("prior", "Two Words", "no component name")],
)
def test_components_check_their_words(kind, name, message):
    with pytest.raises(ip.InputError, match=message):
        ip.Component(kind, name, OnlySamples)
