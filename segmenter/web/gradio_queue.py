"""Gradio's queue, in which clients take turns and what nobody waits for is dropped; see `segmenter.web.turns`."""

import time
from typing import Any
from urllib.parse import parse_qs
from weakref import WeakKeyDictionary

from gradio.context import LocalContext
from gradio.data_classes import PredictBodyInternal
from gradio.queueing import Event, Queue
from gradio.server_messages import ProcessCompletedMessage

from segmenter.web.turns import SHARE, Hearing, asker_of, busy, fair_place, has_share

UNHEARD = 60.0  # seconds after which a question is dropped to whose answer nobody listens
UNHEARD_IN_A_FULL_LINE = 5.0
LOOK_SECONDS = 1.0  # how often the line is looked through for such


class FairQueue(Queue):
    """Gradio's queue with a share for each client, turns among them, and nothing in it that nobody waits for."""

    def __init__(self, *given: Any, **options: Any) -> None:
        super().__init__(*given, **options)
        self.hearing = Hearing()
        self._clients: WeakKeyDictionary[Event, str] = WeakKeyDictionary()
        self._looked = 0.0

    async def push(self, body: PredictBodyInternal, request: Any, username: str | None) -> Any:
        """As Gradio has it. Where the client has no share left, the answer is that the queue is full."""
        client = asker_of(request, body.session_hash or "").client
        full = self.max_size is not None and len(self) >= self.max_size
        self.drop_unheard(UNHEARD_IN_A_FULL_LINE if full else UNHEARD)
        if not has_share([self._clients.get(event, "") for event in self._waiting()], client, SHARE):
            return False, str(busy()), "queue_full"
        pushed = await super().push(body=body, request=request, username=username)
        event = self.event_ids_to_events.get(pushed[1]) if pushed[0] and isinstance(pushed[1], str) else None
        if event is not None:
            self._clients[event] = client
            self._take_turns(event, client)
        return pushed

    def get_events(self) -> Any:
        """The next ones to be worked on, as Gradio has it."""
        if time.monotonic() - self._looked > LOOK_SECONDS:
            self._looked = time.monotonic()
            self.drop_unheard(UNHEARD)
        return super().get_events()

    def drop_unheard(self, seconds: float) -> None:
        """Take out of the queue what nobody has listened for so long; who asks for it still is told."""
        for line in self.event_queue_per_concurrency_id.values():
            for event in list(line.queue):
                if self.hearing.silent_for(event.session_hash, event.enqueue_time) > seconds:
                    line.queue.remove(event)
                    output = {"error": "Nobody waited for this answer, so it was not made. Please ask again."}
                    self.send_message(event, ProcessCompletedMessage(output=output, success=False))
                    self.event_ids_to_events.pop(event._id, None)

    async def clean_events(self, *, session_hash: str | None = None, event_id: str | None = None) -> None:
        """Drop what a session waits for, as Gradio has it, and tell the others that they come sooner."""
        await super().clean_events(session_hash=session_hash, event_id=event_id)
        for concurrency_id in self.event_queue_per_concurrency_id:
            self.broadcast_estimations(concurrency_id)

    def _waiting(self) -> list[Event]:
        return [event for line in self.event_queue_per_concurrency_id.values() for event in line.queue]

    def _take_turns(self, event: Event, client: str) -> None:
        line = self.event_queue_per_concurrency_id[event.concurrency_id]
        if event in line.queue:  # else it is being worked on
            line.queue.remove(event)
            line.queue.insert(fair_place([self._clients.get(each, "") for each in line.queue], client), event)
            self.broadcast_estimations(event.concurrency_id)


def is_wanted() -> bool:
    """Whether somebody still waits for what is being worked on in this thread, as far as the queue knows."""
    blocks, event_id = LocalContext.blocks.get(None), LocalContext.event_id.get(None)
    event = blocks._queue.event_ids_to_events.get(event_id) if blocks is not None and event_id else None
    return event is None or event.alive


class Listening:
    """ASGI middleware that lets the FairQueue of the page behind it know who listens for answers."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        queue = _queue_of(scope) if scope["type"] == "http" and scope["method"] == "GET" else None
        session = _session_of(scope, queue) if queue else None
        if queue is None or not session:
            await self.app(scope, receive, send)
            return
        queue.hearing.begin(session)
        try:
            await self.app(scope, receive, send)
        finally:
            queue.hearing.end(session)


def _queue_of(scope: Any) -> FairQueue | None:
    blocks = getattr(scope.get("app"), "blocks", None)
    queue = getattr(blocks, "_queue", None)
    return queue if isinstance(queue, FairQueue) else None


def _session_of(scope: Any, queue: FairQueue) -> str | None:
    """The session whose answers a request is for; None where it is for something else."""
    path = scope["path"]
    if path.endswith("/gradio_api/queue/data"):
        return parse_qs(scope["query_string"].decode("latin-1")).get("session_hash", [None])[0]
    if "/gradio_api/call/" in path:
        event_id = path.rstrip("/").rpartition("/")[2]
        event = queue.event_ids_to_events.get(event_id)
        return event.session_hash if event else event_id
    return None
