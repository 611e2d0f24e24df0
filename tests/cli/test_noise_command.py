"""`invprob noise`, as people type it."""

import re

import numpy as np
import torch

import invprob as ip


def test_it_says_what_to_type(invprob, folder):
    photo = ip.sample_photo()[..., 64:192, 64:192]
    y = ip.Poisson(peak=30).sample(photo, ip.generator(0))
    ip.write_image(folder / "counts.tif", 200 * y, bits=32)
    told = invprob("noise counts.tif --white 200").stdout
    (line,) = re.findall(r"try: (.*)", told)
    found = re.fullmatch(
        r"invprob solve counts.tif --black 0 --white 200 -l poisson:peak=(\S+) -o clean.png", line
    )
    assert found and 25 < float(found[1]) < 35
    assert "poisson:peak" in told and "explains the noise levels" in told


def test_what_it_says_can_be_typed(invprob, folder):
    y = ip.Gaussian(sigma=0.1).sample(ip.sample_photo()[..., :64, :64], ip.generator(0))
    ip.write_image(folder / "cells(1).png", y)
    told = invprob("noise cells(1).png").stdout
    assert "try: invprob solve 'cells(1).png' -l gaussian:sigma=" in told


def test_refusals(invprob, folder):
    ip.write_image(folder / "small.png", ip.sample_photo()[..., :16, :16])
    assert "at least 32 x 32" in invprob("noise small.png", code=2).stderr
    assert "there is no file" in invprob("noise gone.png", code=2).stderr


def test_bad_pixels_are_left_out_and_named(invprob, folder):
    y = ip.Gaussian(sigma=0.1).sample(ip.sample_photo()[:, :1, :64, :64], ip.generator(0))
    y[..., 3, 5] = torch.nan
    np.save(folder / "sky.npy", y[0, 0].numpy())
    told = invprob("noise sky.npy").stdout
    assert "left out, as not finite: 1 of" in told
    assert re.search(r"try: .* -l gaussian:sigma=\S+ -A mask:file=MASK.png -o clean", told)


def test_a_law_that_explains_nothing_is_not_to_be_tried(invprob, folder):
    x = torch.linspace(0.05, 0.95, 8).repeat_interleave(8).expand(1, 1, 64, 64)
    y = x + 0.3 * (1 - x) * torch.randn(x.shape, generator=ip.generator(0))
    np.save(folder / "y.npy", y[0, 0].numpy())
    told = invprob("noise y.npy").stdout
    assert "None of these laws explains" in told and "try:" not in told


def test_noise_below_what_is_seen_says_what_may_show_it(invprob, folder):
    np.save(folder / "sky.npy", np.full((64, 64), 400.0, np.float32))
    told = invprob("noise sky.npy --black 300 --white 8300", code=2).stderr
    assert "weaker than" in told and "a smaller one for weak noise" in told
