"""`invprob noise`, as people type it."""

import re

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
