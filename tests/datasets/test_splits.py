"""Splits and folds: no group is parted, nobody is lost, and the seed decides."""

import pytest

from segmenter.datasets.pairs import Pair, read_folder
from segmenter.datasets.splits import folds, join_groups, split
from segmenter.errors import DatasetError


@pytest.mark.parametrize("seed", range(5))
def test_a_split_never_parts_a_group_and_loses_nobody(folder, seed):
    pairs = read_folder(folder)
    kept, held_out = split(pairs, 4, seed)
    assert len(held_out) == 4 and len(kept) == 6
    assert {pair.groups for pair in kept}.isdisjoint(pair.groups for pair in held_out)
    assert sorted(pair.photo for pair in kept + held_out) == [pair.photo for pair in pairs]


def test_a_split_follows_its_seed(folder):
    pairs = read_folder(folder)
    splits = {tuple(pair.photo.name for pair in split(pairs, 0.4, seed)[1]) for seed in range(8)}
    assert split(pairs, 0.4, 3) == split(pairs, 0.4, 3)
    assert len(splits) > 1


def test_groups_that_share_a_photo_are_one():
    pairs = [Pair(None, None, groups) for groups in [("a",), ("b", "a"), ("c",), ("b",), ("d", "e")]]
    numbers = join_groups(pairs)
    assert numbers[0] == numbers[1] == numbers[3]
    assert len(set(numbers)) == 3


def test_a_split_that_leaves_nothing_says_so(folder):
    with pytest.raises(DatasetError, match="ask for fewer"):
        split(read_folder(folder), 10, 0)


@pytest.mark.parametrize("k", [2, 3, 5])
def test_folds_judge_everybody_once_and_never_part_a_group(folder, k):
    pairs = read_folder(folder)
    divided = folds(pairs, k, seed=1)
    assert sorted(pair.name for _, held_out in divided for pair in held_out) == [pair.name for pair in pairs]
    for kept, held_out in divided:
        assert len(kept) + len(held_out) == len(pairs)
        assert {pair.groups for pair in kept}.isdisjoint(pair.groups for pair in held_out)
    sizes = [len(held_out) for _, held_out in divided]
    assert max(sizes) - min(sizes) <= 2  # groups are of two photos


def test_folds_follow_their_seed(folder):
    pairs = read_folder(folder)
    assert folds(pairs, 3, 7) == folds(pairs, 3, 7)
    first = {tuple(pair.name for pair in folds(pairs, 3, seed)[0][1]) for seed in range(8)}
    assert len(first) > 1


@pytest.mark.parametrize("k, words", [(1, "ask for 2 or more"), (6, "ask for 5 at most")])
def test_folds_that_cannot_be_are_refused(folder, k, words):
    with pytest.raises(DatasetError, match=words):
        folds(read_folder(folder), k, 0)


def grouped(*sizes):
    """Pairs in groups of these sizes."""
    return [Pair(None, None, (str(group),)) for group, size in enumerate(sizes) for _ in range(size)]


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("sizes, wanted", [((3, 2, 2), 4), ((4, 3, 3, 5), 6), ((6, 4, 4, 9, 5), 13), ((7, 1, 1, 1), 3)])
def test_a_split_has_the_exact_number_wherever_the_groups_allow_it(sizes, wanted, seed):
    kept, held_out = split(grouped(*sizes), wanted, seed)
    assert len(held_out) == wanted and len(kept) == sum(sizes) - wanted
    assert {pair.groups for pair in kept}.isdisjoint(pair.groups for pair in held_out)


@pytest.mark.parametrize(
    "sizes, wanted, nearest", [((5, 5, 5), 4, 5), ((5, 5, 5), 6, 5), ((8, 3), 7, 8), ((2, 2, 2), 1, 2)]
)
def test_where_the_groups_do_not_allow_the_number_the_split_is_as_near_as_they_do(sizes, wanted, nearest):
    assert len(split(grouped(*sizes), wanted, seed=0)[1]) == nearest


def test_every_group_may_be_held_out_even_where_the_number_is_hard_to_meet():
    chosen = {split(grouped(3, 2, 2, 3, 2), 4, seed)[1][0].groups for seed in range(20)}
    assert chosen == {("1",), ("2",)}  # the first of two of the three groups of two


def test_one_group_cannot_be_split():
    with pytest.raises(DatasetError, match="4 photos in 1 groups cannot be split"):
        split(grouped(4), 2, 0)


def test_a_share_that_is_less_than_a_photo_says_so(folder):
    with pytest.raises(DatasetError, match="with 0 for validation; ask for more"):
        split(read_folder(folder), 0.01, 0)
