"""The weights that serve: what is here now, until what is wanted arrives."""

import logging
import os
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import NamedTuple

from segmenter import weights_format
from segmenter.batch.runner import Predictor
from segmenter.errors import MissingError, UnreachableError, WeightsError
from segmenter.hub import weights
from segmenter.inference.predictor import WEIGHTS, Segmenter

PATIENCE = 3.0  # seconds that a start waits for the Hub, so that in the usual case nobody sees the stand-in
PAUSES = (5, 10, 20, 40, 80, 160, 320, 600)  # seconds between attempts; the last one again and again
LOOK_SECONDS = 600  # how often a branch is looked at for a newer revision

log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)  # compared and cached as the object that it is
class Weights:
    """A segmenter and where it comes from."""

    segmenter: Predictor
    origin: dict = field(default_factory=dict)  # repository, revision, commit and licence, from the Hub

    @property
    def name(self) -> str:
        """What the page calls them by: the same on every server that has them."""
        return self.origin.get("commit", "")

    def to_json(self) -> dict:
        """All that the page says of them and needs of them, as JSON."""
        return {"name": self.name, "threshold": self.segmenter.threshold, **self.origin}


class Source(NamedTuple):
    """Where weights come from: three questions to the Hub; each raises a HubError where it cannot answer."""

    place: str  # "OWNER/NAME[@revision]"
    newest: Callable[[], str | None]  # () → the commit that it leads to now
    fetch: Callable[[], Path]  # () → the folder with that commit's weights, checked
    moves: bool  # whether it may lead to another commit later: a branch


class LiveWeights:
    """The weights that serve, and the ones before, for visitors who are at work with those.

    Args:
        segmenter: a Segmenter, or anything with its `probabilities` and `threshold`.
        origin: as `Weights` has it.

    Attributes:
        now: Weights; read it once for each answer, as it may be replaced at any time.
        notice: why these are not the wanted ones: dict of `kind` (`standIn`: the bundled ones
            serve, `older`: the last good ones), `place` and `why`; None where all is well.
        settled: threading.Event, set when the first attempt to get the wanted ones has ended.
    """

    def __init__(self, segmenter: Predictor, origin: dict | None = None) -> None:
        self.now = self._before = Weights(segmenter, origin or {})
        self.notice: dict | None = None
        self.settled = threading.Event()

    def named(self, name: str | None) -> Weights:
        """The Weights of a name, if they are still here, else those that serve now."""
        now, before = self.now, self._before
        return before if name == before.name != now.name else now

    def take(self, segmenter: Predictor, origin: dict) -> None:
        """Let other weights serve from now on."""
        self._before, self.now = self.now, Weights(segmenter, origin)

    def follow(
        self, source: Source, pauses: Sequence[float] = PAUSES, look_seconds: float = LOOK_SECONDS
    ) -> threading.Thread:
        """Get the weights of a source in a thread of its own, trying until they are here.

        Where the source moves, it is looked at again and again, and newer weights take over.

        Args:
            source: Source.
            pauses: seconds before each further attempt after one that failed.
            look_seconds: seconds between two looks for a newer revision.

        Returns:
            the thread.
        """
        thread = threading.Thread(target=self._follow, args=(source, pauses, look_seconds), daemon=True)
        thread.start()
        return thread

    def _follow(self, source, pauses, look_seconds):
        failures, had = 0, False
        while True:
            try:
                self._bring(source, had)
                failures, had = 0, True
            except Exception as error:  # be it what it may: nobody above this thread could say so
                log.warning("%s does not serve: %s", source.place, error, exc_info=not isinstance(error, WeightsError))
                self.notice = {"kind": self._stand_in(), "place": source.place, "why": str(error)}
                failures += 1
            finally:
                self.settled.set()
            if had and not failures and not source.moves:
                return
            time.sleep(pauses[min(failures, len(pauses)) - 1] if failures else look_seconds)

    def _bring(self, source, had):
        """Let the newest weights of a source serve. Raises a WeightsError where that cannot be.

        Once they were here, a Hub that cannot be asked for newer ones is nothing a visitor needs to know.
        """
        try:
            if had and source.newest() == self.now.name:
                self.notice = None
                return
        except UnreachableError as error:
            log.info("%s cannot be looked at: %s", source.place, error)
            return
        folder = source.fetch()
        if folder.name != self.now.name:
            self.take(Segmenter(folder), origin(source.place, folder))
            log.info("%s is here and serves (commit %s)", source.place, folder.name[:7])
        self.notice = None

    def _stand_in(self):
        return "older" if self.now.name else "standIn"


def open_weights(
    place: str | os.PathLike[str] | None = None,
    spare: str | os.PathLike[str] = WEIGHTS,
    patience: float = PATIENCE,
    pauses: Sequence[float] = PAUSES,
    look_seconds: float = LOOK_SECONDS,
    cache: str | Path | None = None,
    endpoint: str | None = None,
) -> LiveWeights:
    """The weights of a place, within seconds: where they must come from the Hub, others until they are here.

    Args:
        place: a folder, or "OWNER/NAME[@revision]"; the bundled weights by default.
        spare: folder with the weights to start on where the Hub's are not here yet.
        patience: seconds to wait for the Hub.
        pauses, look_seconds: as `LiveWeights.follow` takes them.
        cache, endpoint: as `weights.pull` takes them.

    Returns:
        LiveWeights.

    Raises:
        WeightsError: there are no weights to start on.
    """
    if not isinstance(place, str) or not weights.is_address(place):
        segmenter = Segmenter.load(place)
        weights_format.check_described(segmenter.folder)
        return LiveWeights(segmenter)
    source = Source(
        place,
        newest=partial(weights.newest, place, endpoint),
        fetch=partial(_fetch, place, cache, endpoint),
        moves=weights.split(place)[1] == weights.BRANCH,  # all others mean what they always meant
    )
    kept = weights.cached(place, cache)
    if kept:
        live = LiveWeights(Segmenter(kept), origin(place, kept))
        if source.moves:
            live.follow(source, pauses, look_seconds)
        return live
    live = LiveWeights(Segmenter(spare))
    live.notice = {"kind": "standIn", "place": place, "why": "the Hub is slow"}
    live.follow(source, pauses, look_seconds)
    live.settled.wait(patience)
    return live


def _fetch(place, cache, endpoint):
    """`weights.fetch`, which cannot know that a place may have been meant as a folder."""
    try:
        return weights.fetch(place, cache, endpoint)
    except MissingError as error:
        if "@" in place:
            raise
        raise MissingError(f"there is no folder {place} here, and on the Hub {error}") from error
    except UnreachableError:
        if "@" not in place:
            log.warning("there is no folder %s here, so it is taken for a repository of the Hub", place)
        raise


def origin(place: str, folder: Path) -> dict:
    """Where a pulled folder comes from: its repository, revision, commit and licence (or None)."""
    repository, revision = weights.split(place)
    return {
        "repository": repository,
        "revision": revision,
        "commit": folder.name,
        "licence": weights.licence(folder),
    }
