"""`~` in a path, which no shell expands within a word."""

import pytest
import torch

from invprob.cli.app import app
from invprob.cli.home import at_home
from invprob.images import write_image


@pytest.fixture
def home(folder, monkeypatch):
    home = folder / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("USERPROFILE", str(home))
    for name in ("gray.png", "mask.png"):
        (folder / name).rename(home / name)
    return home


def test_in_a_part_and_after_an_equals_sign(invprob, folder, home):
    part = "-l gaussian:sigma=0.1 -A mask:file=~/mask.png"
    invprob(f"solve ~/gray.png {part} -s restart --output=~/x.png --checkpoint=~/x.ckpt")
    invprob(f"solve {home}/gray.png ~/mask.png {part} -o~/all/")
    invprob(f"simulate ~/gray.png {part} --output=~/y.tif")
    names = {"gray.png", "mask.png", "x.png", "x.ckpt", "y.tif", "all"}
    assert {path.name for path in home.iterdir()} == names
    assert not (folder / "~").exists()


def test_in_trainings(invprob, home):
    images = home / "pictures"
    images.mkdir()
    for k in range(3):
        write_image(images / f"{k}.png", torch.full((1, 16, 16), k / 4))
    small = "--steps 1 --batch 1"
    flow = f"{small} --depths 1 --width 4"
    invprob(f"train flow ~/pictures --output=~/f.safetensors --held-out=~/pictures/0.png {flow}")
    network = f"{small} --patch 16 --widths 8,8,8 --before 0,0,0 --after 0,0"
    invprob(f"train denoiser ~/pictures --output=~/d.safetensors {network}")
    begun = f"{small} --patch 16 --start=~/d.safetensors --checkpoint=~/e.run"
    invprob(f"train denoiser ~/pictures --output=~/e.safetensors {begun}")
    for name in ("f.safetensors", "d.safetensors", "e.safetensors", "e.run"):
        assert (home / name).exists()


def test_what_is_no_home_folder():
    for path in ("a/~/b.png", "~nobody-of-this-name/b.png", "b~.png", ""):
        assert str(at_home(path)) == (path or ".")


def test_every_command_is_wrapped():
    """One that is added without it would make a folder of the name `~`."""
    commands = [*app.registered_commands]
    for group in app.registered_groups:
        commands += group.typer_instance.registered_commands
    assert len(commands) > 12
    assert all(hasattr(command.callback, "__wrapped__") for command in commands)
