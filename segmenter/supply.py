"""The weights that serve: what is here now, until what is wanted arrives."""

import logging
import threading
import time
from dataclasses import dataclass, field
from functools import partial
from itertools import count

from segmenter import hub
from segmenter.predictor import WEIGHTS, Segmenter, WeightsError

PATIENCE = 3.0  # seconds that a start waits for the Hub, so that in the usual case nobody sees the stand-in
PAUSES = (5, 10, 20, 40, 80, 160, 320, 600)  # seconds between attempts; the last one again and again

log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)  # compared and cached as the object that it is
class Weights:
    """A segmenter and where it comes from."""

    segmenter: Segmenter
    origin: dict = field(default_factory=dict)  # repository, revision, commit and licence, from the Hub

    @property
    def name(self):
        """What the page calls them by: the same on every server that has them."""
        return self.origin.get("commit", "")

    def told(self):
        """All that the page says of them and needs of them, as JSON."""
        return {"name": self.name, "threshold": self.segmenter.threshold, **self.origin}


class Supply:
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

    def __init__(self, segmenter, origin=None):
        self.now = self._before = Weights(segmenter, origin or {})
        self.notice = None
        self.settled = threading.Event()

    def named(self, name):
        """The Weights of a name, if they are still here, else those that serve now."""
        now, before = self.now, self._before
        return before if name == before.name != now.name else now

    def take(self, segmenter, origin):
        """Let other weights serve from now on."""
        self._before, self.now = self.now, Weights(segmenter, origin)

    def follow(self, place, fetch, pauses=PAUSES):
        """Get the weights of an address in a thread of its own, trying until they are here.

        Args:
            place: "OWNER/NAME[@revision]".
            fetch: what turns a place into a folder, or raises a HubError.
            pauses: seconds before each further attempt.

        Returns:
            the thread.
        """
        thread = threading.Thread(target=self._follow, args=(place, fetch, pauses), daemon=True)
        thread.start()
        return thread

    def _follow(self, place, fetch, pauses):
        for attempt in count():
            try:
                folder = fetch(place)
                if folder.name != self.now.name:
                    self.take(Segmenter(folder), origin(place, folder))
                    log.info("%s is here and serves", place)
                self.notice = None
                return
            except WeightsError as error:
                log.warning("%s does not serve: %s", place, error)
                self.notice = {"kind": self._stand_in(), "place": place, "why": str(error)}
            finally:
                self.settled.set()
            time.sleep(pauses[min(attempt, len(pauses) - 1)])

    def _stand_in(self):
        return "older" if self.now.name else "standIn"


def open_supply(place=None, spare=WEIGHTS, patience=PATIENCE, pauses=PAUSES, cache=None, endpoint=None):
    """The weights of a place, within seconds: where they must come from the Hub, others until they are here.

    Args:
        place: a folder, or "OWNER/NAME[@revision]"; the bundled weights by default.
        spare: folder with the weights to start on where the Hub's are not here yet.
        patience: seconds to wait for the Hub.
        pauses: as `Supply.follow` takes them.
        cache, endpoint: as `hub.pull` takes them.

    Returns:
        Supply.

    Raises:
        WeightsError: there are no weights to start on.
    """
    if not hub.is_address(place):
        return Supply(Segmenter.load(place))
    fetch = partial(hub.fetch, cache=cache, endpoint=endpoint)
    kept = hub.cached(place, cache)
    if kept:
        supply = Supply(Segmenter(kept), origin(place, kept))
        if hub.split(place)[1] != hub.BRANCH:  # it means what it always meant
            return supply
        supply.follow(place, fetch, pauses)
        return supply
    supply = Supply(Segmenter(spare))
    supply.notice = {"kind": "standIn", "place": place, "why": "the Hub is slow"}
    supply.follow(place, fetch, pauses)
    supply.settled.wait(patience)
    return supply


def origin(place, folder):
    """Where a pulled folder comes from: its repository, revision, commit and licence (or None)."""
    repository, revision = hub.split(place)
    return {
        "repository": repository,
        "revision": revision,
        "commit": folder.name,
        "licence": hub.licence(folder),
    }
