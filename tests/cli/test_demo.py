"""The demo, with a small photo and a cheap prior in place of the network."""

import re

import pytest
import torch

from invprob.images import read_image


@pytest.fixture
def cheap(parts, monkeypatch):
    """A demo that takes a second."""
    pytest.importorskip("invprob.solvers.restarts.restart")
    import invprob.images
    from invprob.priors.denoiser import DenoiserPrior

    smooth = parts.priors["denoiser"]()
    photo = invprob.images.sample_photo()[..., 64:96, 64:96]
    monkeypatch.setattr(invprob.images, "sample_photo", lambda: photo)
    monkeypatch.setattr(DenoiserPrior, "pretrained", staticmethod(lambda: smooth))
    return smooth


def test_demo_writes_a_picture_and_prints_an_honest_table(invprob, folder, cheap, monkeypatch):
    given = []
    denoise = type(cheap).denoise

    def counted(self, x, sigma, /):
        given.append(len(x))
        return denoise(self, x, sigma)

    monkeypatch.setattr(type(cheap), "denoise", counted)
    done = invprob("demo -o here --seed 3")
    assert "The picture: here/demo.png" in done.stdout
    picture = read_image("here/demo.png")
    assert picture.shape[1] == 3
    assert picture.shape[-1] > picture.shape[-2] > 3 * 400  # three rows of tiles
    rows = [re.findall(r"[\d.]+", line) for line in done.stdout.splitlines() if "samples" in line]
    estimates = [re.findall(r"[\d.]+", line) for line in done.stdout.splitlines() if "PnP" in line]
    assert len(rows) == len(estimates) == 3
    assert sum(int(row[-2]) for row in (*rows, *estimates)) == sum(given)
    assert "1/3 Denoising" in done.stderr


def test_the_demo_depends_on_its_seed_alone(invprob, folder, cheap):
    for seed, name in ((0, "a"), (0, "b"), (1, "c")):
        invprob(f"demo -o {name} --seed {seed}")
    a, b, c = (read_image(f"{name}/demo.png") for name in "abc")
    assert torch.equal(a, b)
    assert not torch.equal(a, c)
