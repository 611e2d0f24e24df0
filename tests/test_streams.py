import pytest
import torch

import invprob as ip


def test_a_row_depends_on_its_sample_and_measurement_only():
    small = ip.Streams(3, samples=2, measurements=2).normal(torch.zeros(4, 5))
    large = ip.Streams(3, samples=6, measurements=2).normal(torch.zeros(12, 5))
    assert torch.equal(small, large[:4])
    assert len({tuple(row.tolist()) for row in large}) == 12


def test_seeds_give_different_numbers():
    a, b = (ip.Streams(seed).uniform(torch.zeros(1, 50)) for seed in (0, 1))
    assert not torch.equal(a, b)
    assert 0 <= float(a.min()) and float(a.max()) < 1


def test_large_seeds_keep_all_their_bits():
    a, b = (ip.Streams(seed).normal(torch.zeros(1, 3)) for seed in (2**40, 2**41))
    assert not torch.equal(a, b)


def test_the_numbers_are_standard_normal():
    x = ip.Streams(0, samples=4).normal(torch.zeros(4, 50_000, dtype=torch.float64))
    assert abs(float(x.mean())) < 5 / 200_000**0.5
    assert abs(float(x.var()) - 1) < 5 * (2 / 200_000) ** 0.5
    assert float(torch.corrcoef(x).fill_diagonal_(0).abs().max()) < 5 / 50_000**0.5


def test_restored_streams_go_on_where_they_were():
    streams = ip.Streams(0, samples=3)
    streams.normal(torch.zeros(3, 2))
    state = streams.state()
    following = streams.normal(torch.zeros(3, 2))
    other = ip.Streams(5, samples=3)
    other.restore(state)
    assert torch.equal(other.normal(torch.zeros(3, 2)), following)


def test_each_draws_with_the_rows_own_generator():
    def draw(row, generator):
        return torch.rand(1, 2, generator=generator) + row

    few = ip.Streams(0, samples=2).each(draw)
    many = ip.Streams(0, samples=3).each(draw)
    assert torch.equal(few, many[:2])


def test_wrong_input_is_refused():
    with pytest.raises(ip.InputError, match="seed=-1"):
        ip.Streams(-1)
    with pytest.raises(ip.InputError, match="2 rows.*with 1"):
        ip.Streams(0).normal(torch.zeros(2, 3))
    with pytest.raises(ip.InputError, match="can't be restored into 1 rows"):
        ip.Streams(0).restore(ip.Streams(0, samples=2).state())


def test_streams_draw_where_their_generators_are():
    like = torch.zeros(1, 3)
    expected = ip.Streams(0).normal(like), ip.Streams(0).uniform(like)
    with torch.device("meta"):  # as `torch.set_default_device` does
        found = ip.Streams(0).normal(like), ip.Streams(0).uniform(like)
    assert all(map(torch.equal, found, expected))
