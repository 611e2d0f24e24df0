"""`--device` of the commands that compute."""

from __future__ import annotations

import pytest
import torch
from elsewhere import a_second_device
from listing import files

from invprob.images import read_image, write_image

NOISE = "-l gaussian:sigma=0.1"


@pytest.mark.parametrize("name", ["abacus", "meta", "cuda:99"])
@pytest.mark.parametrize(
    "line",
    [
        f"solve gray.png {NOISE} -o out.png",
        f"solve gray.png colour.png {NOISE} -o out",
        "noise gray.png",
        "adapt gray.png --sigma 0.1 -o out.safetensors",
    ],
)
def test_a_device_that_is_not_there(invprob, folder, line, name):
    before = files(folder)
    failed = invprob(f"{line} --device {name}", code=2)
    assert f"error: --device {name} can't be used here: " in failed.stderr
    instead = "did you mean cuda?" if name.startswith("cuda") else "type cpu"
    assert failed.stderr.rstrip().endswith(f"; {instead}")
    assert files(folder) == before


@pytest.mark.parametrize(
    "options", ["", "--bits 8", "-s restart --samples 3", "-A mask:file=mask.png"]
)
def test_the_result_is_the_same_on_another_device(invprob, folder, options):
    line = f"solve gray.png {NOISE} {options}"
    usual = invprob(f"{line} -o here.tif").stdout
    with a_second_device():
        said = invprob(f"{line} --device meta -o there.tif").stdout
    (misfit,) = (part for part in usual.splitlines() if part.startswith("misfit"))
    assert misfit in said
    for name in files(folder):
        if name.startswith("there") and not name.endswith("panel.png"):
            same = read_image(name.replace("there", "here"))
            assert torch.equal(read_image(name), same)


def test_many_on_another_device(invprob, folder):
    import tifffile

    pages = torch.rand(3, 12, 10).numpy()
    tifffile.imwrite("stack.tif", pages, photometric="minisblack")
    line = f"solve stack.tif {NOISE} --page all"
    invprob(f"{line} -o here.tif")
    with a_second_device():
        invprob(f"{line} --device meta -o there.tif")
        invprob(f"{line} --device meta -o there/")
    for page in range(3):
        here = read_image("here.tif", page=page)
        assert torch.equal(read_image("there.tif", page=page), here)
        assert torch.equal(read_image(f"there/stack-{page}.tif"), here)


def test_the_noise_of_an_image_on_another_device(invprob, folder):
    y = 0.5 + 0.1 * torch.randn(1, 1, 48, 48, generator=torch.Generator().manual_seed(0))
    write_image("noisy.tif", y)
    usual = invprob("noise noisy.tif --prior shared").stdout
    with a_second_device():
        said = invprob("noise noisy.tif --prior shared --device meta").stdout
    assert said.splitlines()[:3] == usual.splitlines()[:3]
    assert "-l gaussian" in usual and "--device meta -l gaussian" in said


def test_a_device_without_64_bits(invprob, folder, parts, monkeypatch):
    solver = parts.solvers["pnp"]
    step = solver.step
    monkeypatch.setattr(
        solver,
        "step",
        lambda self, problem, state, streams, /: step(
            self, problem, type(state)(state.x.double().float(), 0), streams
        ),
    )
    line = f"solve gray.png {NOISE} -s pnp -o out.png"
    with a_second_device():
        failed = invprob(f"{line} --device meta", code=2)
    assert "Once() takes numbers of 64 bits here, which --device meta does not have" in (
        failed.stderr
    )
    assert "out.png" not in files(folder)
    invprob(line)
