"""Muon: orthogonal steps."""

import torch
from torch import Generator

from invprob.training.optimizers import Muon, orthogonalise


def test_singular_values_become_about_one():
    generator = Generator().manual_seed(0)
    for shape in [(3, 8, 40), (3, 40, 8)]:
        matrices = torch.randn(shape, generator=generator)
        values = torch.linalg.svdvals(orthogonalise(matrices).float())
        assert 0.5 < values.min() and values.max() < 1.4


def test_keeps_singular_vectors():
    matrix = torch.randn(1, 6, 20, generator=Generator().manual_seed(0))
    u, _, vt = torch.linalg.svd(matrix[0], full_matrices=False)
    turned = u.T @ orthogonalise(matrix)[0].float() @ vt.T
    assert (turned - turned.diag().diag()).abs().max() < 0.06


def test_step_length_is_that_of_adam():
    weight = torch.nn.Parameter(torch.zeros(8, 4, 3, 3))
    weight.grad = torch.randn(weight.shape, generator=Generator().manual_seed(0))
    Muon([weight], lr=0.01).step()
    assert 0.001 < weight.detach().square().mean().sqrt() < 0.003


def test_learns():
    generator = Generator().manual_seed(0)
    target = torch.randn(6, 10, generator=generator)
    weight = torch.nn.Parameter(torch.zeros(6, 10))
    optimizer = Muon([weight], lr=0.1)
    for _ in range(100):
        optimizer.zero_grad()
        (weight - target).square().sum().backward()
        optimizer.step()
    assert (weight - target).square().mean() < 0.1 * target.square().mean()
