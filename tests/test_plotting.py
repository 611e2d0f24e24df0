"""Panels: aligned, unresampled, and independent of matplotlib's global state."""

import sys

import numpy as np
import pytest
import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg
from PIL import Image

import invprob as ip
from invprob.errors import InputError
from invprob.plotting import LEAST, MOST, Tile, panel, plot_result
from invprob.result import Result


def noise(*shape):
    return torch.rand(*shape, generator=torch.Generator().manual_seed(len(shape)))


def rendered(figure):
    """The figure as `(H, W, 3)` levels, and the pixel box of each of its axes."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    pixels = np.asarray(canvas.buffer_rgba())[..., :3]
    boxes = []
    for axes in figure.axes:
        box = axes.get_window_extent()
        top = pixels.shape[0] - round(box.y1)
        boxes.append((slice(top, top + round(box.height)), slice(round(box.x0), round(box.x1))))
    return pixels, boxes


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("size", [8, 100, 333])
def test_every_image_pixel_is_a_whole_square(channels, size):
    x = noise(channels, size, size)
    pixels, boxes = rendered(panel([[Tile(x, "a"), Tile(x, "b", "12 dB")]] * 2, labels=["1", "2"]))
    scale = -(-LEAST // size)
    levels = x.expand(3, size, size).permute(1, 2, 0).numpy() * 255
    expected = levels.repeat(scale, 0).repeat(scale, 1)
    assert len(boxes) == 4
    for box in boxes:
        shown = pixels[box]
        assert shown.shape == expected.shape
        assert np.abs(shown - expected).max() < 2  # the gray colour map has 256 levels


def test_the_saved_file_has_the_same_pixels(tmp_path):
    figure = panel([[Tile(noise(3, 8, 8), "caption")]])
    pixels, _ = rendered(figure)
    figure.savefig(tmp_path / "panel.png")
    with Image.open(tmp_path / "panel.png") as saved:
        assert np.array_equal(np.asarray(saved)[..., :3], pixels)


def test_columns_and_rows_are_aligned():
    x, sd = noise(3, 20, 30), noise(1, 20, 30)
    rows = [[Tile(x), Tile(sd, spread=True), Tile(x)], [Tile(x), None, Tile(x)]]
    figure = panel(rows, labels=["one\ntwo", "three"], title="title")
    _, boxes = rendered(figure)
    (a, map_, bar, b, c, d) = boxes
    assert a[0] == map_[0] == b[0]
    assert bar[0].stop == b[0].stop  # a tip above it: some values are beyond the scale
    assert c[0] == d[0]
    assert a[1] == c[1]
    assert b[1] == d[1]
    assert map_[1].stop < bar[1].start < bar[1].stop < b[1].start


def test_nothing_is_cut_off_and_nothing_overlaps():
    rows = [[Tile(noise(1, 16, 16), "caption", "99.99 dB"), Tile(noise(1, 16, 16), spread=True)]]
    figure = panel(rows, labels=["Label\nand more"], title="A title")
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    whole = figure.bbox
    texts = [
        *figure.texts,
        *(t for axes in figure.axes for t in axes.get_yticklabels() if axes.axison),
    ]
    for text in texts:
        box = text.get_window_extent(canvas.get_renderer())
        assert whole.x0 <= box.x0 < box.x1 <= whole.x1, text.get_text()
        assert whole.y0 <= box.y0 < box.y1 <= whole.y1, text.get_text()
        for axes in figure.axes[:2] if text in figure.texts else ():
            assert not box.overlaps(axes.get_window_extent()), text.get_text()


def test_a_spread_is_in_colour_from_zero_with_its_scale():
    sd = torch.tensor([3.0, 0.0, 4.0]).reshape(3, 1, 1).expand(3, 4, 4) / 10
    figure = panel([[Tile(sd, spread=True)]])
    shown, bar = figure.axes[0].images[0], figure.axes[1]
    np.testing.assert_allclose(shown.get_array(), np.sqrt(0.25 / 3))  # root mean square
    assert shown.get_clim()[0] == 0
    assert bar.get_ylim() == pytest.approx((0, np.sqrt(0.25 / 3)))


def test_a_spread_of_zero_can_be_shown():
    figure = panel([[Tile(torch.zeros(1, 4, 4), spread=True)]])
    assert figure.axes[0].images[0].get_clim()[1] > 0


def test_values_outside_the_unit_are_clipped_not_rescaled():
    x = torch.tensor([[-1.0, 0.5, 2.0]]).expand(1, 3, 3)
    pixels, (box,) = rendered(panel([[Tile(x)]]))
    thirds = pixels[box][0, :: pixels[box].shape[1] // 3, 0][:3]
    assert thirds.tolist() == pytest.approx([0, 127, 255], abs=1)


def test_a_large_image_is_reduced_not_the_page_enlarged():
    figure = panel([[Tile(noise(1, 40, 1500))]])
    _, (box,) = rendered(figure)
    assert box[1].stop - box[1].start == MOST


def test_images_of_different_shape_share_a_width():
    _, (a, b) = rendered(panel([[Tile(noise(1, 10, 20)), Tile(noise(1, 40, 20))]]))
    assert a[1].stop - a[1].start == b[1].stop - b[1].start
    assert (a[0].start + a[0].stop) == (b[0].start + b[0].stop)  # centred


def test_results():
    one = Result(noise(1, 1, 3, 8, 8), 5, "ran all 5 steps", ())
    assert len(plot_result(one).axes) == 1
    batch = Result(noise(1, 5, 1, 8, 8), 5, "ran all 5 steps", ())
    assert len(batch.plot().axes) == 5
    many = Result(noise(7, 2, 1, 8, 8), 5, "ran all 5 steps", ())
    figure = many.plot()
    assert len(figure.axes) == 2 * (1 + 2 + 4)
    np.testing.assert_allclose(figure.axes[0].images[0].get_array(), many.mean[0, 0])
    np.testing.assert_allclose(figure.axes[1].images[0].get_array(), many.std[0, 0])
    captions = {text.get_text() for text in figure.texts}
    assert {"mean of 7 samples", "standard deviation", "sample 0", "sample 3"} <= captions


@pytest.mark.parametrize("samples", [1, 3])
def test_the_measurement_is_shown_on_request(samples):
    y, x = noise(2, 1, 8, 8), noise(samples, 2, 1, 8, 8)
    problem = ip.Problem(ip.DenoiserPrior(lambda x, s: x), ip.Gaussian(sigma=0.1), y)
    problem = problem.repeat(samples)
    result = Result(x, 5, "ran all 5 steps", (), problem=problem)
    figure = result.plot(measured=True)
    assert len(figure.axes) == len(result.plot().axes) + 2
    each = len(figure.axes) // 2
    for b in range(2):
        np.testing.assert_allclose(figure.axes[b * each].images[0].get_array(), y[b, 0])
    assert [text.get_text() for text in figure.texts].count("measured") == 2


def test_a_measurement_that_is_not_known_or_no_image_is_refused():
    result = Result(noise(1, 1, 1, 8, 8), 5, "ran all 5 steps", ())
    with pytest.raises(InputError, match="does not know its measurement"):
        result.plot(measured=True)


def test_a_single_picture_is_large_enough_to_see():
    one = panel([[Tile(noise(1, 8, 8))]])
    assert one.get_size_inches()[0] > 4
    assert panel([[Tile(noise(1, 8, 8))] * 3]).get_size_inches()[0] < 8


def test_pyplot_is_not_touched():
    pyplot = sys.modules.get("matplotlib.pyplot")
    before = pyplot.get_fignums() if pyplot else None
    panel([[Tile(noise(1, 4, 4))]])
    pyplot = sys.modules.get("matplotlib.pyplot")
    assert (pyplot.get_fignums() if pyplot else None) == before


@pytest.mark.parametrize("shape", [(4,), (2, 4, 4), (2, 1, 4, 4), (1, 0, 4)])
def test_what_is_no_image_is_refused(shape):
    with pytest.raises(InputError, match="can't be shown: an image is"):
        Tile(torch.zeros(shape))


def test_impossible_panels():
    with pytest.raises(InputError, match="at least one tile"):
        panel([[None], []])
    with pytest.raises(InputError, match="2 labels for 1 rows"):
        panel([[Tile(noise(1, 4, 4))]], labels=["a", "b"])
