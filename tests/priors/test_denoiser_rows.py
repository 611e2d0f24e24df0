"""Denoisers that were written for one image, and what they are told."""

import pytest
import torch

from invprob.errors import InputError
from invprob.priors.denoiser import DenoiserPrior


@pytest.mark.parametrize(
    "denoiser",
    [
        lambda x, sigma: x * float(sigma),
        lambda x, sigma: x * sigma.item(),
        lambda x, sigma: x if sigma > 0.1 else 0 * x,
        lambda x, sigma: x * sigma,
    ],
)
def test_a_denoiser_for_one_row_is_told_that_sigma_has_one_number_per_row(denoiser):
    prior, x = DenoiserPrior(denoiser), torch.full((2, 1, 4, 5), 0.5)
    assert prior.denoise(x[:1], 0.2).shape == (1, 1, 4, 5)
    with pytest.raises(InputError, match=r"one image, and not 2: .*one number per row, shape \(B"):
        prior.denoise(x, 0.2)


def test_other_failures_of_a_denoiser_are_its_own():
    for text in ("broken", "out of memory"):

        def fails(x, sigma, text=text):
            if len(x) > 1 or text == "broken":
                raise RuntimeError(text)
            return x

        with pytest.raises(RuntimeError, match=f"^{text}$"):
            DenoiserPrior(fails).denoise(torch.full((2, 1, 4, 5), 0.5), 0.2)
