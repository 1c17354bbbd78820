"""Pairs divided into training and validation, or into folds, so that no group is ever parted."""

import random
from collections import Counter
from collections.abc import Sequence

import numpy as np

from segmenter.datasets.pairs import Pair
from segmenter.errors import DatasetError


def join_groups(pairs: Sequence[Pair]) -> list[int]:
    """Number the sets of pairs that are connected by common groups.

    Returns:
        list of int, one a pair: the same number where two pairs must stay together.
    """
    parent: dict[str, str] = {}

    def root(name: str) -> str:
        parent.setdefault(name, name)
        while parent[name] != name:
            parent[name] = name = parent[parent[name]]
        return name

    for pair in pairs:
        for name in pair.groups[1:]:
            parent[root(name)] = root(pair.groups[0])
    numbers: dict[str, int] = {}
    return [numbers.setdefault(root(pair.groups[0]), len(numbers)) for pair in pairs]


def split(pairs: Sequence[Pair], validation: float, seed: int) -> tuple[list[Pair], list[Pair]]:
    """Divide pairs into training and validation by a seed, never parting a group.

    Args:
        pairs: list of Pair.
        validation: how many to validate on: a number from 1 up, or a share below 1. It is met
            exactly where the sizes of the groups allow, else as nearly as they do.
        seed: int.

    Returns:
        (training, validation): two lists of Pair, each in the order given, neither of them empty.

    Raises:
        DatasetError: nothing would be left for one of the sides.
    """
    wanted = round(validation * len(pairs)) if validation < 1 else int(validation)
    numbers = join_groups(pairs)
    sizes = Counter(numbers)
    if not 1 <= wanted < len(pairs) or len(sizes) < 2:
        raise DatasetError(
            f"{len(pairs)} photos in {len(sizes)} groups cannot be split with {wanted} for validation; "
            f"{'ask for more' if wanted < 1 else 'ask for fewer'}, or add photos"
        )
    order = _shuffled(sizes, seed)
    chosen = {order[place] for place in _subset([sizes[number] for number in order], wanted)}
    held_out = [pair for pair, number in zip(pairs, numbers) if number in chosen]
    kept = [pair for pair, number in zip(pairs, numbers) if number not in chosen]
    return kept, held_out


def _subset(sizes: list[int], wanted: int) -> list[int]:
    """Places of the sizes that add up to `wanted`, or as near to it as possible, but neither none nor all.

    Of several answers it is the one that takes the earliest places, so a shuffled order gives a
    random subset. The table is that of the subset-sum problem: for each sum the last place from
    which on it can be made of what follows.
    """
    reachable_from = np.full(sum(sizes) + 1, -1, np.int32)
    reachable_from[0] = len(sizes)
    for place in range(len(sizes) - 1, -1, -1):
        size = sizes[place]
        new = (reachable_from[:-size] >= 0) & (reachable_from[size:] < 0)
        reachable_from[size:][new] = place
    sums = np.flatnonzero(reachable_from >= 0)[1:-1]  # neither none nor all
    left = int(sums[np.abs(sums - wanted).argmin()])
    chosen = []
    for place, size in enumerate(sizes):
        if size <= left and reachable_from[left - size] > place:
            chosen.append(place)
            left -= size
    return chosen


def _shuffled(sizes: Counter[int], seed: int) -> list[int]:
    order = sorted(sizes)
    random.Random(seed).shuffle(order)
    return order


def folds(pairs: Sequence[Pair], k: int, seed: int) -> list[tuple[list[Pair], list[Pair]]]:
    """Divide pairs into k folds for cross-validation, never parting a group.

    The folds are as even as a greedy division makes them: the largest groups are dealt first, each
    to the smallest fold so far.

    Args:
        pairs: list of Pair.
        k: how many folds, from 2 to the number of groups.
        seed: int.

    Returns:
        list of k (training, validation), each two lists of Pair in the order given; every pair is
        in exactly one of the validation lists.

    Raises:
        DatasetError: k is below 2 or above the number of groups.
    """
    numbers = join_groups(pairs)
    sizes = Counter(numbers)
    if k < 2:
        raise DatasetError(f"{k} folds cannot be compared: ask for 2 or more, such as 5")
    if k > len(sizes):
        raise DatasetError(
            f"{len(pairs)} photos in {len(sizes)} groups cannot be divided into {k} folds; "
            f"ask for {len(sizes)} at most, or add photos"
        )
    counts, fold_of = [0] * k, {}
    for number in sorted(_shuffled(sizes, seed), key=lambda number: -sizes[number]):
        fold_of[number] = counts.index(min(counts))
        counts[fold_of[number]] += sizes[number]
    return [
        (
            [pair for pair, number in zip(pairs, numbers) if fold_of[number] != fold],
            [pair for pair, number in zip(pairs, numbers) if fold_of[number] == fold],
        )
        for fold in range(k)
    ]
