"""Solvers keep at most six images beside what the prior, the operator and y themselves take.

What is counted is every tensor of the size of an image or more that is alive while the prior is
asked, the solver's state and what the likelihood remembers among them, in images of 32 bits: a
number for each pixel in double precision counts as two. docs/costs.md has the numbers.
"""

import gc
from pathlib import Path

import attrs
import pytest
import torch

import invprob as ip

MOST = 6
PAGE = Path(__file__).parents[2] / "docs" / "costs.md"
SIDE = 40  # beyond 32 x 32 pixels `Restart` draws each sample by itself
SHAPE = (1, SIDE, SIDE)
MASK = ip.Mask.random((SIDE, SIDE), keep=0.5, seed=1)
BLUR = ip.CircularBlur.named("uniform3")


class Counting:
    """A prior of every kind, which counts the images that are alive when it is asked."""

    def __init__(self):
        self.known, self.most, self.unit = set(), 0.0, 1

    def begin(self, image):
        """What there is now is not the solver's: later only new tensors are found."""
        gc.collect()
        self.keeps = [t.untyped_storage() for t in _tensors()]  # so that none is used again
        self.known = {storage.data_ptr() for storage in self.keeps}
        self.unit, self.most = 4 * image.numel(), 0.0
        gc.freeze()

    def count(self):
        storages = (t.untyped_storage() for t in _tensors())
        found = {storage.data_ptr(): storage.nbytes() for storage in storages}
        kept = (size for where, size in found.items() if where not in self.known)
        self.most = max(self.most, sum(size for size in kept if size >= self.unit) / self.unit)

    def denoise(self, x, sigma, /):
        self.count()
        sigma = torch.as_tensor(sigma).reshape(-1, *[1] * (x.ndim - 1))
        return (0.5 * sigma**2 + 0.04 * x) / (0.04 + sigma**2)

    def log_prob(self, x, /):
        self.count()
        return -0.5 * ((x - 0.5) / 0.2).square().flatten(1).sum(1)

    def measurement_score(self, y, /):
        self.count()
        return (0.5 - y) / 0.2

    def posterior_sample(self, y, temperature, generator, /):
        self.count()
        return y + 0.1 * torch.randn(y.shape, generator=generator)

    def encode(self, x, /):
        self.count()
        return (x - 0.5) / 0.2, x.new_zeros(len(x))

    def decode(self, z, /):
        self.count()
        return 0.5 + 0.2 * z

    def domain(self):
        return ip.Domain(sigma=(0.001, 10.0))

    def tone_free(self):
        return True


def _tensors():
    """All dense ones of real or complex numbers: the state of a generator is none."""
    tensors = (found for found in gc.get_objects() if issubclass(type(found), torch.Tensor))
    numbers = (t for t in tensors if t.is_floating_point() or t.is_complex())
    return [t for t in numbers if t.layout == torch.strided]


def images_beside(solver, noise, shape=SHAPE, samples=1):
    """The most images of 32 bits at a time, and in the state between two steps."""
    x = torch.rand(1, *shape, generator=ip.generator(0))
    prior, y = Counting(), noise.sample(x, ip.generator(1))
    problem = ip.Problem(prior, noise, y).repeat(samples)
    if hasattr(noise, "operator"):  # what an operator remembers is its own
        for made in (noise.operator.forward, noise.operator.adjoint):
            made(x)
        noise.operator.svd(shape).v(noise.operator.svd(shape).vt(x))
        noise.operator.svd(shape).ut(x)
    prior.begin(x)
    try:
        between = 0.0
        for event in ip.iterate(problem, solver):
            state = attrs.asdict(event.state, recurse=False).values()
            kept = [value for value in state if isinstance(value, torch.Tensor)]
            sizes = [t.numel() * t.element_size() for t in kept if t.numel() >= x.numel()]
            between = max(between, sum(sizes) / prior.unit)
    finally:
        gc.unfreeze()
    assert prior.most > 0, "the prior was never asked"
    return prior.most, between


SOLVERS = {
    "pnp": ip.PnP(iterations=3),
    "vst": ip.VST(),
    "admm": ip.ADMM(iterations=3),
    "proximal-gradient": ip.ProximalGradient(iterations=3),
    "red": ip.RED(iterations=3),
    "red-fixed-point": ip.REDFixedPoint(iterations=3),
    "red-admm": ip.REDADMM(iterations=3),
    "map": ip.MAP(iterations=3),
    "score-equation": ip.ScoreEquation(sweeps=3),
    "annealed-langevin": ip.AnnealedLangevin(levels=2, repeats=2),
    "snips": ip.AnnealedLangevin(levels=2, repeats=2),
    "restart": ip.Restart(calls=20),
    "vst-sampling": ip.VSTSampling(calls=10),
    "split-gibbs": ip.SplitGibbs(calls=10),
    "ddrm": ip.DDRM(calls=4),
    "kadkhodaie-simoncelli": ip.KadkhodaieSimoncelli(calls=4),
    "prior-sampling": ip.PriorSampling(calls=4),
    "pscgan": ip.PSCGAN(average=3),
}
LINEAR = {"annealed-langevin", "snips", "ddrm", "kadkhodaie-simoncelli"}
PIXELS = {"vst", "vst-sampling"}
INVERTED = {"score-equation"}
NOISES = {
    "white": (ip.Gaussian(0.05), PIXELS),
    "mask": (ip.Gaussian(0.05, operator=MASK), PIXELS | INVERTED),
    "blur": (ip.Gaussian(0.05, operator=BLUR), PIXELS | INVERTED),
    "counts": (ip.Poisson(peak=30), LINEAR),
    "counts behind a mask": (ip.Observed(ip.Poisson(peak=30), MASK), LINEAR | INVERTED),
    "counts of a blur": (ip.Observed(ip.Poisson(peak=30), BLUR), LINEAR | PIXELS | INVERTED),
}
CASES = [
    (name, noise)
    for noise, (_, refused) in NOISES.items()
    for name in SOLVERS
    if name not in refused | {"prior-sampling"}
]


def made(name, noise):
    """The noise as new, so that it remembers nothing; of a solver that wants little, little."""
    if isinstance(noise, ip.Observed):
        return ip.Observed(attrs.evolve(noise.noise), noise.operator)
    sigma = {"sigma": 1e-3} if name == "kadkhodaie-simoncelli" else {}
    return attrs.evolve(noise, **sigma)


def test_every_solver_is_here():
    built_in = next(who for who in ip.catalogue().contributions if who.plugin == "built-in")
    assert {part.name for part in built_in.components if part.kind == "solver"} == set(SOLVERS)


def said(name):
    """What the page says: between steps, and with each noise; None where there is none."""
    text = PAGE.read_text(encoding="utf-8").split("## Images that a solver keeps")[1]
    row = next(line for line in text.splitlines() if line.startswith(f"| `{name}` |"))
    cells = row.strip("| ").split(" | ")[1:]
    between, *most = (None if cell == "-" else int(cell) for cell in cells)
    return between, dict(zip(NOISES, most, strict=True))


FAST = ("white", "mask", "blur")


@pytest.mark.parametrize(
    ("name", "noise"),
    [pytest.param(*case, marks=() if case[1] in FAST else pytest.mark.slow) for case in CASES],
)
def test_a_solver_keeps_at_most_six_images(name, noise):
    most, between = images_beside(SOLVERS[name], made(name, NOISES[noise][0]))
    usual, each = said(name)
    assert most == each[noise] <= MOST
    assert between <= usual <= MOST


def test_the_page_has_no_more_than_was_counted():
    rows = {name: said(name)[1] for name in SOLVERS if name != "prior-sampling"}
    told = {(name, noise) for name, row in rows.items() for noise in row if row[noise]}
    assert told == set(CASES)


def test_a_solver_of_the_prior_alone_keeps_at_most_six_images():
    most, between = images_beside(SOLVERS["prior-sampling"], ip.Unobserved())
    assert max(most, between) <= MOST


@pytest.mark.parametrize("noise", FAST)
@pytest.mark.parametrize(("patience", "more"), [(100, 0), (1, 2)])  # two where it goes back
def test_in_latent_space_a_solver_keeps_six_beside_the_image_that_the_flow_decodes(
    noise, patience, more
):
    solver = ip.MAP(iterations=8, learning_rate=3.0, space="latent", patience=patience)
    most, between = images_beside(solver, made("map", NOISES[noise][0]))
    assert most - 1 <= MOST + more
    assert between <= said("map")[0]


@pytest.mark.parametrize("noise", ["mask", "blur", "counts"])
@pytest.mark.parametrize("options", [{}, {"population": 4}], ids=["crowds", "together"])
def test_a_crowd_keeps_as_many_for_each_of_its_particles(noise, options):
    """There are more of them than samples, in images of at most 1024 numbers, or 4096 if asked."""
    if options and noise == "counts":
        options = {"particles": 5}
    side, samples = 16, 4
    noises = {
        "mask": ip.Gaussian(0.05, operator=ip.Mask.random((side, side), keep=0.5, seed=1)),
        "blur": ip.Gaussian(0.05, operator=BLUR),
        "counts": ip.Poisson(peak=30),
    }
    solver, shape = ip.Restart(calls=60, **options), (1, side, side)
    x = torch.zeros(samples, *shape)
    problem = ip.Problem(Counting(), noises[noise], x, samples=samples)
    particles = samples * max(solver._plan(problem).alive)
    assert particles > samples
    most, between = images_beside(solver, made("restart", noises[noise]), shape, samples)
    assert max(most, between) <= MOST * particles


def test_the_count_sees_what_a_solver_keeps():
    """One that keeps three images in double precision beside the noisy one."""

    @attrs.frozen(eq=False)
    class State:
        x: torch.Tensor

    class Hoarding(ip.PriorSampling):
        def step(self, problem, state, streams, /):
            hoard = [state.x.double() for _ in range(3)]
            following = super().step(problem, state, streams)
            del hoard
            return following

    usual = images_beside(ip.PriorSampling(calls=4), ip.Unobserved())[0]
    assert images_beside(Hoarding(calls=4), ip.Unobserved())[0] == usual + 6
