"""Segmenter: weights → maps, with a network whose answers are known (red is furniture)."""

import json
import subprocess
import sys
import threading

import cv2
import numpy as np
import pytest

import segmenter
from segmenter import Segmenter, WeightsError, cut
from segmenter.inference import crowd, network, predictor, second_look

RED, WALL = (230, 20, 20), (200, 200, 205)


@pytest.fixture(scope="session")
def red_segmenter(tiny_weights):
    return Segmenter.load(tiny_weights)


def room(*boxes, shape=(480, 640)):
    """A wall with red boxes (top, bottom, left, right)."""
    photo = np.full((*shape, 3), WALL, np.uint8)
    for top, bottom, left, right in boxes:
        photo[top:bottom, left:right] = RED
    return photo


def count_looks(segmenter, monkeypatch):
    """A list that grows by one with each look, which asks the network for a photo and perhaps for its mirror image."""
    looks, look, near = [], predictor._Asked.furniture, predictor._Asked.nearby

    def furniture(asked, *closer):
        looks.append(1)
        return look(asked, *closer)

    def nearby(asked):
        looks.append(1)
        return near(asked)

    monkeypatch.setattr(predictor._Asked, "furniture", furniture)
    monkeypatch.setattr(predictor._Asked, "nearby", nearby)
    return looks


def iou(a, b):
    return (a & b).sum() / (a | b).sum()


def is_red(photo):
    return photo[..., 1] < 100


def test_weights_say_what_they_are(red_segmenter, tiny_weights):
    assert red_segmenter.folder == tiny_weights
    assert red_segmenter.size == 64
    assert red_segmenter.threshold == 0.5
    assert red_segmenter.config["name"] == "red detector"


@pytest.mark.parametrize("second_look", [False, True])
@pytest.mark.parametrize("refine", [False, True])
def test_map_has_the_photos_size_and_the_right_place(red_segmenter, second_look, refine):
    photo = room((30, 200, 400, 600))  # in one corner, so that a turned or mirrored map shows
    result = red_segmenter.probabilities(photo, second_look=second_look, refine=refine)
    assert result.shape == photo.shape[:2] and result.dtype == np.float32
    assert 0 <= result.min() and result.max() <= 1
    assert iou(result >= 0.5, is_red(photo)) > (0.98 if refine else 0.9)


def test_first_look_is_the_networks_own_answer(red_segmenter):
    photo = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    expected = 1 / (1 + np.exp(-(photo / 255 @ np.array([20, -10, -10]) - 10)))
    np.testing.assert_allclose(red_segmenter.first_look(photo), expected, atol=1e-4)


@pytest.mark.parametrize(("doubt", "passes"), [(0.0, 1), (0.09, 1), (0.11, 2)])
def test_the_mirror_image_is_asked_where_the_photo_leaves_doubt(red_segmenter, monkeypatch, doubt, passes):
    asked = []

    def furniture(square):
        asked.append(square)
        answer = np.zeros((64, 64), np.float32)
        answer[:50, :40] = 1
        answer[60, : round(2000 * doubt / 4)] = answer[61:64, : round(2000 * doubt / 4)] = 0.4
        return answer

    monkeypatch.setattr(red_segmenter._network, "furniture", furniture)
    photo = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    found = red_segmenter.first_look(photo)
    assert len(asked) == passes
    if passes == 2:
        np.testing.assert_array_equal(asked[1], asked[0][:, :, ::-1])
        assert found[10, 10] == found[10, -10] == 0.5  # the mean with the mirror image, turned back
    else:
        assert found[10, 10] == 1 and found[10, -10] == 0


@pytest.mark.parametrize(
    ("doubt", "closer", "sides"), [(0.15, True, "own"), (0.15, False, "both"), (0.25, True, "both")]
)
def test_some_doubt_is_left_to_a_look_from_nearby(red_segmenter, monkeypatch, doubt, closer, sides):
    answer = np.zeros((64, 64), np.float32)
    answer[8:28, 10:50] = 1
    answer[28:32, : round(800 * doubt / 4)] = 0.4
    monkeypatch.setattr(red_segmenter._network, "furniture", lambda square: answer)
    asked = predictor._Asked(red_segmenter._network, np.zeros((64, 64, 3), np.uint8))
    both = (answer + answer[:, ::-1]) / 2
    np.testing.assert_array_equal(asked.furniture(closer), answer if sides == "own" else both)


@pytest.mark.parametrize("doubt", [0.45, 0.55])
def test_from_nearby_the_other_side_is_looked_at_first(red_segmenter, monkeypatch, doubt):
    def furniture(square):
        answer = square[0, ..., 0].copy()
        answer[40:48, : round(800 * doubt / 8)] = 0.4
        return answer

    monkeypatch.setattr(red_segmenter._network, "furniture", furniture)
    photo = np.zeros((64, 64, 3), np.uint8)
    photo[8:28, 10:50] = 255
    found = predictor._Asked(red_segmenter._network, photo).nearby()
    np.testing.assert_allclose(found[8:28], photo[8:28, :, 0] / 255)
    assert found[41, 63] == pytest.approx(0.4 if doubt < 0.5 else 0.2)  # where the mirror image alone leaves doubt
    assert found[41, 0] == pytest.approx(0 if doubt < 0.5 else 0.2)


@pytest.mark.parametrize("level", [0.0, 0.05])
def test_a_photo_without_furniture_is_asked_twice(level):
    assert not predictor.is_clear(np.full((64, 64), level, np.float32))


def test_a_small_object_is_seen_better_the_second_time(red_segmenter):
    boxes = [(300, 330, 300, 420), *((330, 420, left, left + 14) for left in range(300, 420, 35))]
    photo = room(*boxes, shape=(1200, 1600))  # legs finer than the network's pixels of 25 × 19
    once = red_segmenter.probabilities(photo, second_look=False, refine=False)
    twice = red_segmenter.probabilities(photo, refine=False)
    assert iou(once >= 0.5, is_red(photo)) < 0.6
    assert iou(twice >= 0.5, is_red(photo)) > 0.9


def test_boxes_of_the_second_look(red_segmenter):
    looks = red_segmenter.second_look_boxes
    assert looks(np.zeros((64, 64), np.float32)) == []
    assert looks(np.ones((64, 64), np.float32)) == []  # it fills the photo: nothing to gain
    square = np.zeros((64, 64), np.float32)
    square[8:24, 8:16] = 1
    square[40:60, 40:60] = 1
    square[2, 60] = 1  # a speck
    boxes = sorted(looks(square))
    assert len(boxes) == 2
    for (left, top, right, bottom), (x0, y0, x1, y1) in zip(boxes, ((8, 8, 16, 24), (40, 40, 60, 60))):
        assert 0 <= left < x0 / 64 < x1 / 64 < right <= 1
        assert 0 <= top < y0 / 64 < y1 / 64 < bottom <= 1


def test_boxes_never_overlap_and_are_few(red_segmenter):
    rng = np.random.default_rng(0)
    for _ in range(20):
        square = np.zeros((64, 64), np.float32)
        for y, x, h, w in rng.integers((0, 0, 3, 3), (60, 60, 30, 30), (8, 4)):
            square[y : y + h, x : x + w] = rng.uniform(0.3, 1)
        boxes = red_segmenter.second_look_boxes(square)
        assert len(boxes) <= second_look.MAX_LOOKS
        for i, a in enumerate(boxes):
            for b in boxes[:i]:
                assert min(a[2], b[2]) <= max(a[0], b[0]) or min(a[3], b[3]) <= max(a[1], b[1])


def test_second_look_invents_nothing(red_segmenter, monkeypatch):
    """It counts in the object's box alone, and not for things apart from what was seen at first."""
    photo = room((100, 200, 100, 200))
    plain = red_segmenter.first_look(photo)
    first = red_segmenter.probabilities(photo, second_look=False, refine=False)

    def answers(near):
        monkeypatch.setattr(Segmenter, "_look_nearby", lambda self, shown: near)
        return Segmenter(red_segmenter.folder).probabilities(photo, refine=False)

    np.testing.assert_array_equal(answers(np.zeros((64, 64), np.float32)), first)  # contradiction
    everything = answers(np.ones((64, 64), np.float32))
    (left, top, right, bottom), *others = red_segmenter.second_look_boxes(plain)
    assert not others
    outside = np.ones(first.shape, bool)
    outside[int(480 * top) - 4 : round(480 * bottom) + 4, int(640 * left) - 4 : round(640 * right) + 4] = False
    np.testing.assert_allclose(everything[outside], first[outside], atol=0.02)  # it was joined at another size
    beside = np.zeros((64, 64), np.float32)
    beside[8:56, 8:54] = 1  # the object
    beside[:, 60:] = 1  # and a thing apart from it
    assert (answers(beside) >= 0.5)[:, 212:].sum() == 0


def test_maps_are_kept_by_content(red_segmenter, monkeypatch):
    fresh = Segmenter(red_segmenter.folder)
    photo = room((30, 200, 400, 600))
    first = fresh.probabilities(photo)
    looks = count_looks(fresh, monkeypatch)
    assert fresh.probabilities(photo.copy()) is first
    assert not looks and not first.flags.writeable


def test_kept_maps_are_bounded_by_their_bytes(red_segmenter, monkeypatch):
    monkeypatch.setattr(predictor, "CACHE_BYTES", 3 * 4 * 40 * 50)  # of three maps of 40 × 50 pixels
    monkeypatch.setattr(predictor, "LOOKS_BYTES", 0)
    fresh = Segmenter(red_segmenter.folder)
    looks = count_looks(fresh, monkeypatch)
    photos = [np.full((40, 50, 3), shade, np.uint8) for shade in range(4)]
    for photo in photos:
        fresh.probabilities(photo)
    for photo in photos[1:]:
        fresh.probabilities(photo)
    assert len(looks) == 4  # the last three were kept
    fresh.probabilities(photos[0])
    assert len(looks) == 5
    large = np.zeros((100, 100, 3), np.uint8)
    for _ in range(2):
        assert fresh.probabilities(large).shape == (100, 100)  # too large to be kept, and no error
    assert len(looks) == 7


def test_a_map_that_was_not_kept_is_made_again_without_the_network(red_segmenter, monkeypatch):
    monkeypatch.setattr(predictor, "CACHE_BYTES", 0)
    fresh = Segmenter(red_segmenter.folder)
    asked = count_looks(fresh, monkeypatch)
    photo = room((30, 200, 400, 600))  # small, and so looked at again
    first = fresh.probabilities(photo)
    assert len(asked) == 2
    np.testing.assert_array_equal(fresh.probabilities(photo), first)
    assert len(asked) == 2
    far = fresh.probabilities(photo, second_look=False)
    assert len(asked) == 3 and (far != first).any()


def test_a_preview_is_the_map_with_fewer_pixels_and_spares_the_map_the_network(red_segmenter, monkeypatch):
    fresh = Segmenter(red_segmenter.folder)
    photo = room((30, 200, 400, 600))
    small = fresh.preview(photo, 400)
    asked = count_looks(fresh, monkeypatch)
    whole = fresh.probabilities(photo)
    assert not asked and not small.flags.writeable
    height, width = (round(side * 400 / max(whole.shape)) for side in whole.shape)
    assert small.shape == (height, width) and small.dtype == np.float32
    assert np.abs(small - cv2.resize(whole, (width, height), interpolation=cv2.INTER_AREA)).mean() < 0.01
    assert fresh.preview(photo, max(whole.shape)) is whole  # of a photo that is no larger
    with pytest.raises(ValueError, match="uint8"):
        fresh.preview(photo / 255, 400)


def test_same_bytes_in_another_shape_are_another_photo(red_segmenter):
    photo = room((0, 100, 0, 100), shape=(120, 240))
    other = photo.reshape(240, 120, 3)
    assert red_segmenter.probabilities(photo).shape == (120, 240)
    assert red_segmenter.probabilities(other).shape == (240, 120)


def test_a_crowd_asks_networks_of_its_own_and_gets_the_same_maps(red_segmenter, monkeypatch):
    photo = room((30, 200, 400, 600))
    alone = Segmenter(red_segmenter.folder).probabilities(photo)
    fresh, threads = Segmenter(red_segmenter.folder), []
    make = network.Interpreter
    monkeypatch.setattr(network, "Interpreter", lambda **given: threads.append(given["num_threads"]) or make(**given))
    with crowd.joined(), crowd.joined():
        np.testing.assert_array_equal(fresh.probabilities(photo), alone)
        fresh.probabilities(room((30, 200, 100, 300)))
    assert threads == [1] and not crowd.several()


def test_many_threads_get_the_right_maps(red_segmenter):
    photos = [room((20, 120, 20 + 60 * i, 120 + 60 * i), shape=(240, 480)) for i in range(6)]
    fresh, results = Segmenter(red_segmenter.folder), {}

    def work(number):
        for i in range(number, number + len(photos)):
            results[number, i] = fresh.probabilities(photos[i % len(photos)])

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 24
    for (_, i), result in results.items():
        assert iou(result >= 0.5, is_red(photos[i % len(photos)])) > 0.97


@pytest.mark.parametrize("shape", [(1, 1), (5, 900), (900, 5), (64, 64)])
def test_odd_sizes(red_segmenter, shape):
    photo = np.full((*shape, 3), RED, np.uint8)
    result = red_segmenter.probabilities(photo)
    assert result.shape == shape and (result > 0.5).all()
    assert cut(photo, result).shape == (*shape, 4)


@pytest.mark.parametrize(
    "photo",
    [
        None,
        np.zeros((4, 4), np.uint8),
        np.zeros((4, 4, 4), np.uint8),
        np.zeros((4, 4, 3)),
        np.zeros((0, 4, 3), np.uint8),
    ],
)
def test_what_is_no_photo_is_refused(red_segmenter, photo):
    with pytest.raises(ValueError, match="open_photo"):
        red_segmenter.probabilities(photo)


def test_places_without_weights_are_named(tmp_path, tiny_weights):
    with pytest.raises(WeightsError, match="nowhere"):
        Segmenter.load(tmp_path / "nowhere")
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(WeightsError, match="JSON"):
        Segmenter.load(tmp_path)
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(WeightsError, match="size"):
        Segmenter.load(tmp_path)
    (tmp_path / "config.json").write_text(json.dumps({"size": 32}))
    with pytest.raises(WeightsError, match="model.tflite"):
        Segmenter.load(tmp_path)
    (tmp_path / "model.tflite").write_bytes((tiny_weights / "model.tflite").read_bytes())
    with pytest.raises(WeightsError, match="does not fit"):
        Segmenter.load(tmp_path)
    (tmp_path / "model.tflite").write_bytes(b"no network at all")
    with pytest.raises(WeightsError, match="cannot be loaded"):
        Segmenter.load(tmp_path)


def test_serving_never_imports_tensorflow(tiny_weights):
    program = (
        "import sys, numpy, segmenter\n"
        f"s = segmenter.Segmenter.load({str(tiny_weights)!r})\n"
        "photo = numpy.zeros((40, 60, 3), numpy.uint8)\n"
        "segmenter.cut(photo, s.probabilities(photo))\n"
        "assert not {'tensorflow', 'keras', 'gradio'} & set(sys.modules), sorted(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


def test_the_packages_public_names():
    assert {"Segmenter", "open_photo", "cut", "PhotoError", "WeightsError"} <= set(dir(segmenter))
    assert all(getattr(segmenter, name) for name in segmenter.__all__)
    with pytest.raises(AttributeError):
        _ = segmenter.no_such_name
