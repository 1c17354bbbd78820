"""Data sets: pairs, groups, splits, masks of every convention, batches from a seed."""

import numpy as np
import pytest
from PIL import Image

from segmenter.datasets import pairs as dataset


@pytest.fixture
def folder(tmp_path):
    """Ten photos of 30 × 20 with masks, grouped by a CSV in pairs: 0 and 1, 2 and 3, …"""
    rng = np.random.default_rng(0)
    for part in ("images", "masks"):
        (tmp_path / part).mkdir()
    rows = ["file,group"]
    for number in range(10):
        name = f"photo{number}"
        Image.fromarray(rng.integers(0, 256, (20, 30, 3), np.uint8)).save(tmp_path / "images" / f"{name}.jpg")
        mask = np.zeros((20, 30), np.uint8)
        mask[5:15, 5 + number : 15 + number] = 255
        Image.fromarray(mask).save(tmp_path / "masks" / f"{name}.png")
        rows.append(f"{name}.jpg,{number // 2}")
    (tmp_path / "groups.csv").write_text("\n".join(rows))
    return tmp_path


def test_photos_are_paired_with_masks_by_name(folder):
    pairs = dataset.read_folder(folder)
    assert [pair.photo.name for pair in pairs] == [f"photo{number}.jpg" for number in range(10)]
    assert all(pair.photo.stem == pair.mask.stem for pair in pairs)


@pytest.mark.parametrize("seed", range(5))
def test_a_split_never_parts_a_group_and_loses_nobody(folder, seed):
    pairs = dataset.read_folder(folder)
    kept, held_out = dataset.split(pairs, 4, seed)
    assert len(held_out) == 4 and len(kept) == 6
    assert {pair.groups for pair in kept}.isdisjoint(pair.groups for pair in held_out)
    assert sorted(pair.photo for pair in kept + held_out) == [pair.photo for pair in pairs]


def test_a_split_follows_its_seed(folder):
    pairs = dataset.read_folder(folder)
    splits = {tuple(pair.photo.name for pair in dataset.split(pairs, 0.4, seed)[1]) for seed in range(8)}
    assert dataset.split(pairs, 0.4, 3) == dataset.split(pairs, 0.4, 3)
    assert len(splits) > 1


def test_groups_that_share_a_photo_are_one():
    pairs = [dataset.Pair(None, None, groups) for groups in [("a",), ("b", "a"), ("c",), ("b",), ("d", "e")]]
    numbers = dataset.join_groups(pairs)
    assert numbers[0] == numbers[1] == numbers[3]
    assert len(set(numbers)) == 3


def test_a_split_that_leaves_nothing_says_so(folder):
    with pytest.raises(dataset.DatasetError, match="ask for fewer"):
        dataset.split(dataset.read_folder(folder), 10, 0)


def test_a_photo_without_mask_is_named(folder):
    (folder / "masks" / "photo3.png").unlink()
    with pytest.raises(dataset.DatasetError, match="photo3.jpg"):
        dataset.read_folder(folder)


def test_a_folder_without_masks_is_answered_with_what_to_do(tmp_path):
    with pytest.raises(dataset.DatasetError, match="images/ and their masks in masks/"):
        dataset.read_folder(tmp_path)


def test_files_that_cannot_be_read_are_named(folder):
    pair = dataset.read_folder(folder)[0]
    pair.mask.write_bytes(b"nothing")
    with pytest.raises(dataset.DatasetError, match="photo0.png cannot be read"):
        dataset.load_case(pair)
    pair.photo.write_bytes(b"nothing")
    with pytest.raises(dataset.DatasetError, match="photo0.jpg"):
        dataset.load_square(pair, 16)


def test_a_mask_of_another_frame_is_refused(folder):
    pair = dataset.read_folder(folder)[0]
    Image.new("L", (20, 30)).save(pair.mask)
    with pytest.raises(dataset.DatasetError, match="the same frame"):
        dataset.load_square(pair, 16)


@pytest.mark.parametrize("paint", ["grey", "one bit", "red on blue", "alpha", "palette", "16 bit"])
def test_masks_of_every_convention_read_alike(tmp_path, paint):
    truth = np.zeros((12, 10), bool)
    truth[3:9, 2:7] = True
    grey = Image.fromarray(truth.astype(np.uint8) * 255)
    blue_red = np.where(truth[..., None], (255, 0, 0), (0, 0, 255)).astype(np.uint8)
    alpha = np.dstack([np.full((12, 10, 3), 90, np.uint8), np.asarray(grey)])
    picture = {
        "grey": grey,
        "one bit": grey.convert("1"),
        "red on blue": Image.fromarray(blue_red),
        "alpha": Image.fromarray(alpha),
        "palette": Image.fromarray(blue_red).convert("P", palette=Image.Palette.ADAPTIVE),
        "16 bit": Image.fromarray(truth.astype(np.uint16) * 65535),
    }[paint]
    picture.save(tmp_path / "mask.png")
    mask, known = dataset.read_mask_file(tmp_path / "mask.png")
    np.testing.assert_array_equal(mask, truth)
    assert known.all()


def test_a_square_is_the_squeezed_photo_with_its_mask(folder):
    pair = dataset.read_folder(folder)[4]
    square = dataset.load_square(pair, 10)
    assert square.photo.shape == (10, 10, 3) and square.photo.dtype == np.uint8
    assert square.target.sum() / 100 == pytest.approx(100 / 600, abs=0.01)
    assert (square.weight == 1).all()


def test_a_case_has_its_mask_in_the_photos_size(folder):
    pair = dataset.read_folder(folder)[0]
    Image.open(pair.mask).resize((15, 10)).save(pair.mask)
    photo, mask, known = dataset.load_case(pair)
    assert photo.shape[:2] == mask.shape == known.shape == (20, 30)


def test_the_weight_grows_where_the_surroundings_differ():
    target = np.zeros((64, 64), np.float32)
    target[:, 30:34] = 1  # a thin leg
    weight = dataset.emphasise_border(target, np.ones_like(target), 4.0)
    assert weight[32, 31] > 3 and weight[32, 0] == 1 and weight.min() == 1
    unknown = dataset.emphasise_border(target, np.zeros_like(target), 4.0)
    assert (unknown == 0).all()
    assert dataset.emphasise_border(target, target, 0) is target


@pytest.fixture
def squares(folder):
    return [dataset.load_square(pair, 24) for pair in dataset.read_folder(folder)]


def test_training_batches_follow_seed_and_epoch(squares):
    def epoch(seed, number):
        batches = dataset.TrainingBatches(dataset.augmented(squares, 16), 10, 4, seed, epoch=number)
        return np.concatenate([batches[step][0] for step in range(len(batches))])

    assert epoch(1, 0).shape == (10, 16, 16, 3)
    np.testing.assert_array_equal(epoch(1, 0), epoch(1, 0))
    assert (epoch(1, 0) != epoch(1, 1)).any() and (epoch(1, 0) != epoch(2, 0)).any()


def test_an_epoch_draws_each_photo_once(squares):
    drawn = []
    batches = dataset.TrainingBatches(
        lambda index, rng: (drawn.append(index), (np.zeros((4, 4, 3), np.uint8), *np.zeros((2, 4, 4))))[1],
        10, 4, 0,
    )  # fmt: skip
    for step in range(len(batches)):
        batches[step]
    assert sorted(drawn) == list(range(10)) and drawn != sorted(drawn)


def test_validation_batches_are_the_photos_as_they_are(squares):
    batches = dataset.ValidationBatches(squares, 24, 4)
    x = np.concatenate([batches[step][0] for step in range(len(batches))])
    y = np.concatenate([batches[step][1] for step in range(len(batches))])
    np.testing.assert_allclose(x, np.stack([square.photo for square in squares]) / 255, atol=1e-6)
    np.testing.assert_array_equal(y[..., 0], np.stack([square.target for square in squares]))


@pytest.mark.parametrize("k", [2, 3, 5])
def test_folds_judge_everybody_once_and_never_part_a_group(folder, k):
    pairs = dataset.read_folder(folder)
    divided = dataset.folds(pairs, k, seed=1)
    assert sorted(pair.name for _, held_out in divided for pair in held_out) == [pair.name for pair in pairs]
    for kept, held_out in divided:
        assert len(kept) + len(held_out) == len(pairs)
        assert {pair.groups for pair in kept}.isdisjoint(pair.groups for pair in held_out)
    sizes = [len(held_out) for _, held_out in divided]
    assert max(sizes) - min(sizes) <= 2  # groups are of two photos


def test_folds_follow_their_seed(folder):
    pairs = dataset.read_folder(folder)
    assert dataset.folds(pairs, 3, 7) == dataset.folds(pairs, 3, 7)
    first = {tuple(pair.name for pair in dataset.folds(pairs, 3, seed)[0][1]) for seed in range(8)}
    assert len(first) > 1


@pytest.mark.parametrize("k, words", [(1, "ask for 2 or more"), (6, "ask for 5 at most")])
def test_folds_that_cannot_be_are_refused(folder, k, words):
    with pytest.raises(dataset.DatasetError, match=words):
        dataset.folds(dataset.read_folder(folder), k, 0)


def test_masks_may_be_named_after_their_photo_with_an_ending(folder):
    for path in list((folder / "masks").iterdir()):
        Image.open(path).save(path.with_name(f"{path.stem}_mask.gif"))
        path.unlink()
    pairs = dataset.read_folder(folder)
    assert [pair.mask.name for pair in pairs] == [f"{pair.photo.stem}_mask.gif" for pair in pairs]
    assert dataset.read_mask(pairs[0])[0].sum() == 100


def test_a_photo_with_two_masks_is_named(folder):
    Image.new("L", (30, 20)).save(folder / "masks" / "photo3.gif")
    with pytest.raises(dataset.DatasetError, match="photo3.jpg"):
        dataset.read_folder(folder)
