"""Images for training: what is taken, and what is left out and why."""

import numpy as np
import pytest
import tifffile
import torch
from torch import Generator

from invprob.errors import InputError
from invprob.images import write_image
from invprob.training.images import Images, load_images, read_apart, read_images
from invprob.training.patches import store_photos
from invprob.training.storage import alike, bits, in_unit


def picture(channels, height, width, seed=0):
    return torch.rand(channels, height, width, generator=Generator().manual_seed(seed))


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "pictures"
    (folder / "more").mkdir(parents=True)
    for k in range(3):
        write_image(folder / f"{k}.png", picture(1, 8, 8, k))
    write_image(folder / "more" / "deep.png", picture(1, 8, 8, 3), bits=16)
    (folder / "readme.txt").write_text("not an image")
    return folder


def test_a_folder(folder):
    images = load_images([folder])
    assert len(images) == 4 and images.shape == (1, 8, 8) and not images.skipped
    expected = (255 * picture(1, 8, 8, 1)).round() / 255  # deep.png has 16 bits, so all have
    assert any(torch.allclose(in_unit(image), expected) for image in images.images)


def test_corrupt_files_are_left_out_and_listed(folder):
    (folder / "torn.png").write_bytes((folder / "0.png").read_bytes()[:40])
    (folder / "empty.jpg").write_bytes(b"")
    images = load_images([folder])
    assert len(images) == 4
    assert sorted(reason.split(":")[0].split("/")[-1] for reason in images.skipped) == [
        "empty.jpg",
        "torn.png",
    ]


def test_every_page_of_a_stack_is_an_image(tmp_path):
    pages = np.random.default_rng(0).integers(0, 256, (4, 8, 9)).astype(np.uint8)
    with tifffile.TiffWriter(tmp_path / "stack.tif") as file:
        for page in pages:
            file.write(page, photometric="minisblack")
        file.write(pages[0, ::2, ::2], photometric="minisblack", subfiletype=1)  # a preview
    images = load_images([tmp_path])
    assert torch.equal(torch.cat(images.images), torch.from_numpy(pages)) and not images.skipped


def test_nothing_to_learn_from(tmp_path):
    with pytest.raises(InputError, match="no image to learn from in .*no file ends in .png"):
        load_images([tmp_path])
    (tmp_path / "torn.png").write_bytes(b"nonsense")
    with pytest.raises(InputError, match="no image to learn from.*torn.png.*damaged"):
        load_images([tmp_path])
    with pytest.raises(InputError, match="there is no file or folder.*nowhere"):
        load_images([tmp_path / "nowhere"])


def test_gray_and_colour(folder):
    write_image(folder / "colour.png", picture(3, 8, 8))
    with pytest.raises(InputError, match="--channels 1.*--channels 3"):
        load_images([folder])
    assert load_images([folder], channels=1).shape == (1, 8, 8)
    colour = load_images([folder], channels=3)
    assert len(colour) == 1 and colour.shape == (3, 8, 8)
    assert len(colour.skipped) == 4 and "it has C=1, and C=3 is" in colour.skipped[0]


def test_sizes(folder):
    write_image(folder / "large.png", picture(1, 10, 14))
    write_image(folder / "small.png", picture(1, 4, 20))
    with pytest.raises(InputError, match="3 different sizes, from 4 x 20 to 10 x 14.*--size"):
        load_images([folder])
    images = load_images([folder], size=(8, 8))
    assert len(images) == 5 and images.skipped[0].endswith(
        "small.png: smaller than 8 x 8 (on the command line: --size 4,8)"
    )
    assert images.draw(20, Generator().manual_seed(0)).shape == (20, 1, 8, 8)
    with pytest.raises(InputError, match="no image to learn from.*smaller than 64 x 64"):
        load_images([folder], size=(64, 64))


def test_floating_point_outside_the_unit(folder):
    write_image(folder / "counts.tif", 40 * picture(1, 8, 8))
    assert "has values from" in load_images([folder]).skipped[0]


def test_nan_is_named(folder):
    write_image(folder / "hole.tif", picture(1, 8, 8))
    image = tifffile.imread(folder / "hole.tif")
    image[2, 3] = np.nan
    tifffile.imwrite(folder / "hole.tif", image)
    (reason,) = load_images([folder]).skipped
    assert reason.endswith(
        "hole.tif: 1 of its values are not finite (NaN): fill them in, or leave the file out"
    )


@pytest.mark.parametrize("shape", [(5, 8, 8), (5, 8, 8, 1), (5, 8, 8, 3), (5, 8, 8, 6)])
def test_arrays(tmp_path, shape):
    array = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    np.save(tmp_path / "images.npy", array)
    images = load_images([tmp_path / "images.npy"])
    assert len(images) == 5 and images.shape == (shape[3] if len(shape) == 4 else 1, 8, 8)
    expected = array[2] if len(shape) == 3 else array[2].transpose(2, 0, 1)
    assert np.array_equal(images.images[2].numpy().reshape(expected.shape), expected)


@pytest.mark.parametrize(
    "array",
    [np.zeros((8, 8), np.uint8), np.zeros((0, 8, 8), np.uint8), np.zeros((5, 8, 8), complex)],
)
def test_arrays_that_are_no_images(folder, array):
    np.save(folder / "wrong.npy", array)
    assert "and not images (N, H, W)" in load_images([folder]).skipped[0]


def test_arrays_are_never_unpickled(folder):
    np.save(folder / "objects.npy", np.array([{}], dtype=object), allow_pickle=True)
    assert "can't be read as an array" in load_images([folder]).skipped[0]


def test_draws_are_cuts_of_the_images():
    image = torch.arange(100, dtype=torch.uint8).reshape(1, 10, 10)
    images = Images((image,), (3, 4))
    cuts = images.draw(400, Generator().manual_seed(0))
    first = (255 * cuts[:, 0, 0, 0]).round().long()
    assert set(first.tolist()) == {10 * i + j for i in range(8) for j in range(7)}
    for cut in cuts[:5]:
        top, left = divmod(int((255 * cut[0, 0, 0]).round()), 10)
        expected = image[:, top : top + 3, left : left + 4].float() / 255
        assert torch.equal(cut, expected)
    assert torch.equal(cuts, images.draw(400, Generator().manual_seed(0)))


def test_centres():
    images = Images(tuple(torch.full((1, 5, 5), k, dtype=torch.uint8) for k in range(10)), (2, 2))
    assert images.centres(100).shape == (10, 1, 2, 2)
    assert (255 * images.centres(4)[:, 0, 0, 0]).round().tolist() == [0, 3, 6, 9]


def test_split():
    images = Images(tuple(torch.full((1, 2, 2), k, dtype=torch.uint8) for k in range(7)), (2, 2))
    rest, apart = images.split(3)
    assert [int(i[0, 0, 0]) for i in apart.images] == [2, 5]
    assert [int(i[0, 0, 0]) for i in rest.images] == [0, 1, 3, 4, 6]
    assert len(images.split(20)[1]) == 1
    with pytest.raises(InputError, match=r"^1 image is too few: .* were learned$"):
        Images(images.images[:1], (2, 2)).split(20)


def test_what_was_left_out_is_named_when_too_few_remain(tmp_path):
    write_image(tmp_path / "good.png", torch.zeros(8, 8))
    for number in range(12):
        (tmp_path / f"bad{number:02}.png").write_text("no image")
    with pytest.raises(InputError, match="1 image is too few") as refused:
        read_apart([tmp_path], [], None, 4, 20)
    assert "Left out: " in str(refused.value)
    assert "bad09.png can't be read" in str(refused.value)
    assert "bad10.png" not in str(refused.value)
    assert str(refused.value).endswith("; and 2 more")
    with pytest.raises(InputError, match="Left out: .*bad00.png"):
        load_images([tmp_path]).split(20)


def test_what_has_more_than_8_bits_keeps_16(tmp_path):
    counts = np.arange(4096, dtype=np.uint16).reshape(1, 64, 64)
    tifffile.imwrite(tmp_path / "counts.tif", counts[0])
    np.save(tmp_path / "counts.npy", counts)
    np.save(tmp_path / "unit.npy", (counts / 65535).astype(np.float32))
    expected = torch.from_numpy(counts / 65535).float()
    for name in ("counts.tif", "counts.npy", "unit.npy"):
        ((_, image),) = read_images([tmp_path / name])[0]
        assert bits(image) == 16
        torch.testing.assert_close(in_unit(image), expected, rtol=0, atol=1e-7)
    patch = store_photos([image], 64).patches(1, 64, 1, Generator().manual_seed(0), turns=False)
    assert len(patch.unique()) > 1000


def test_what_has_8_bits_keeps_8(tmp_path):
    write_image(tmp_path / "x.png", picture(1, 8, 8))
    images = load_images([tmp_path])
    assert images.images[0].dtype == torch.uint8 and images.bits == 8
    levels = (255 * picture(1, 8, 8)).round()
    assert torch.equal(images.centres(1)[0], levels / 255)


def test_8_bits_among_16_lose_nothing():
    eight = torch.arange(256, dtype=torch.uint8).view(1, 16, 16)
    deep = torch.zeros(1, 16, 16, dtype=torch.int16)
    both = alike([eight, deep])
    assert [bits(image) for image in both] == [16, 16] and both[1] is deep
    torch.testing.assert_close(in_unit(both[0]), in_unit(eight), rtol=0, atol=1e-7)


@pytest.mark.parametrize("layout", ["contig", "separate", "pages"])
def test_channels_of_tiff_files(tmp_path, layout):
    array = np.random.default_rng(0).integers(0, 256, (4, 8, 9)).astype(np.uint8)
    stored = np.moveaxis(array, 0, -1) if layout == "contig" else array
    options = {"photometric": "minisblack", "planarconfig": layout}
    if layout == "pages":
        options = {"imagej": True, "metadata": {"axes": "CYX"}}
    tifffile.imwrite(tmp_path / "x.tif", stored, **options)
    ((_, image),), skipped = read_images([tmp_path], 4)
    assert np.array_equal(image.numpy(), array) and not skipped
    found, _ = read_images([tmp_path])
    assert [len(image) for _, image in found] == ([1] * 4 if layout == "pages" else [4])


def test_one_image_with_channels_is_no_stack(tmp_path):
    np.save(tmp_path / "x.npy", np.zeros((30, 30, 5), np.uint8))
    (reason,) = read_images([tmp_path])[1]
    assert "images (N, H, W) with 5 columns" in reason and "save array[None]" in reason


def test_images_that_are_too_small_say_which_patch_would_do(tmp_path):
    for k in range(5):
        write_image(tmp_path / f"{k}.png", picture(1, 40, 44))
    with pytest.raises(InputError) as error:
        read_apart([tmp_path], [], None, 64, 20)
    text = str(error.value)
    assert text.count("smaller than 64 x 64 (on the command line: --patch 40)") == 3
    assert text.endswith("; and 2 more")
    write_image(tmp_path / "0.png", picture(1, 9, 44))  # no network learns from so little
    with pytest.raises(InputError, match=r"0.png: smaller than 64 x 64; .*1.png: .*--patch 40"):
        read_apart([tmp_path], [], None, 64, 20)
