"""What the page needs of Gradio beyond its documented face, and the endpoints for programs.

Gradio describes an endpoint by its signature and docstring, fetches web addresses before anybody asks, and
numbers the parameters of `gr.api`. The three are bent here, by names of Gradio's own that may change with
any release: `MADE_FOR` is the one that all of this was tried with.
"""

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import fields
from functools import wraps
from typing import Any, Literal, cast

import gradio as gr
from gradio.components.api_component import Api
from gradio.events import api
from gradio.themes import LocalFont
from gradio.utils import get_function_description

from segmenter.errors import FULL, PhotoError
from segmenter.render.options import FORMATS, KINDS, PIECES, Choices
from segmenter.web import batch_api, batch_handlers
from segmenter.web.disk import no_room
from segmenter.web.gradio_queue import FairQueue, is_wanted
from segmenter.web.handlers import AT_ONCE, Handlers, refusal
from segmenter.web.patience import patient
from segmenter.web.turns import MOST_WAITING, Asker, Lane, LeftError, asker_of

MADE_FOR = "6.31.0"  # the version of Gradio
KEEP_ALIVE_SECONDS = 30  # for another question on the same connection; a browser may ask just as it is closed


# Endpoints


def with_choices(endpoint: Callable) -> Callable:
    """Give a method a typed parameter for each of the Choices, where its docstring says `{choices}`.

    Gradio makes the endpoint's description out of its signature and docstring.
    """
    kinds = {"format": Literal[FORMATS], "what": Literal[KINDS], "pieces": Literal[PIECES]}
    parts = list(inspect.signature(endpoint).parameters.values())
    parts[2:2] = [
        inspect.Parameter(
            choice.name,
            inspect.Parameter.POSITIONAL_OR_KEYWORD,
            default=choice.default,
            annotation=kinds.get(choice.name, choice.type),
        )
        for choice in fields(Choices)
    ]
    signature = inspect.Signature([part for part in parts if part.kind is not inspect.Parameter.VAR_KEYWORD])

    @wraps(endpoint)
    def call(*given):
        return endpoint(**signature.bind(*given).arguments)

    described = "\n".join(f"{choice.name}: {choice.metadata['description']}." for choice in fields(Choices))
    returned = inspect.signature(endpoint).return_annotation
    annotations = {part.name: part.annotation for part in signature.parameters.values() if part.name != "self"}
    call.__dict__["__signature__"] = signature.replace(return_annotation=returned)
    call.__annotations__ = annotations
    call.__doc__ = (endpoint.__doc__ or "").replace("{choices}", described)
    return call


@contextmanager
def plain_words() -> Iterator[None]:
    """Let a program read what is wrong as the page says it to a visitor."""
    try:
        yield
    except PhotoError as error:
        raise gr.Error(str(error), print_exception=False) from error
    except OSError as error:
        if error.errno not in FULL:
            raise
        raise gr.Error(str(no_room()), print_exception=False) from error


class Endpoints:
    """What programs may ask. Gradio takes the names, types and descriptions from here.

    Files come and go as dicts; `gr.FileData` is what makes Gradio describe them as files.
    """

    def __init__(self, handlers: Handlers) -> None:
        self._handlers = handlers

    @with_choices
    def cut(
        self,
        photo: gr.FileData,
        edits: str = "",
        background_picture: gr.FileData | None = None,
        points: str = "",
        labels: str = "",
        **settings,
    ) -> gr.FileData:
        """Cut the furniture, or the piece at some points, out of a photo, and finish the picture: background, shadow, frame and format.

        Args:
            photo: a picture file, or its web address: JPEG, PNG, WebP, GIF, BMP, TIFF or AVIF, up to 30 MB.
            {choices}
            edits: corrections by hand as JSON: a list of strokes and of pieces to keep, to drop or to pick.
            background_picture: a picture file for the background "own".
            points: places on one piece, which alone is cut out, as JSON: [[x, y], …] in pixels of the photo.
            labels: of each of the points 1 (this piece) or 0 (not this), as JSON: [1, 0, …]; 1 for all by default.

        Returns:
            A file: by default a PNG with transparent background, in the photo's own size, upright. A JPEG of more
            than 50 megapixels, up to 200, is worked on at half its sides, and the result is of that size.
        """
        with plain_words():
            return cast(gr.FileData, self._handlers.cut(photo, settings, edits, background_picture, points, labels))

    def probability(self, photo: gr.FileData) -> gr.FileData:
        """How probably each pixel of a photo is furniture.

        Args:
            photo: a picture file, or its web address: JPEG, PNG, WebP, GIF, BMP, TIFF or AVIF, up to 30 MB.

        Returns:
            A 16-bit grey PNG file in the photo's own size, upright: 0 is surely background, 65535 surely furniture.
        """
        with plain_words():
            return cast(gr.FileData, self._handlers.probability(photo))

    @with_choices
    def batch(
        self, photos: list[gr.FileData], edits: str = "", background_picture: gr.FileData | None = None, **settings
    ) -> gr.FileData:
        """Cut the furniture out of many photos, and finish all pictures alike.

        Args:
            photos: picture files, or zips of such, or their web addresses; up to 500 photos in all.
            {choices}
            edits: corrections by hand as JSON: an object with the name of each file and its list of corrections.
            background_picture: a picture file for the background "own".

        Returns:
            A zip with the cutouts, the masks, and results.csv, which has coverage, places to check and errors.
        """
        progress = gr.Progress()
        with plain_words():
            file = batch_api.run(
                self._handlers, photos, settings, edits, background_picture, lambda *done: progress(done), is_wanted
            )
            return cast(gr.FileData, file)


class Page(gr.Blocks):
    """Blocks whose endpoints may be given the first few values alone, over plain HTTP too.

    They also get web addresses as they are: Gradio would fetch them before anybody asked, however
    large the file is, and would not know those of this page itself. Their queue is a FairQueue, and nothing passes
    it by; their server closes connections on which nothing comes.
    """

    def queue(self, *given: Any, max_size: int | None = MOST_WAITING, **options: Any) -> Any:
        """As Gradio has it."""
        super().queue(*given, max_size=max_size, **{"api_open": False, **options})
        plain = self._queue
        self._queue = FairQueue(
            live_updates=plain.live_updates,
            concurrency_count=plain.max_thread_count,
            update_intervals=plain.update_intervals,
            max_size=plain.max_size,
            blocks=self,
            default_concurrency_limit=plain.default_concurrency_limit,
        )
        return self

    def launch(self, *given: Any, prevent_thread_lock: bool = False, **options: Any) -> Any:
        """As Gradio has it."""
        launched = super().launch(*given, prevent_thread_lock=True, **options)
        config = cast(Any, self.server).config  # asked for each connection anew
        config.http_protocol_class = patient(config.http_protocol_class)
        config.timeout_keep_alive = KEEP_ALIVE_SECONDS
        if not prevent_thread_lock:
            self.block_thread()
        return launched

    def validate_inputs(self, block_fn: Any, inputs: list[Any]) -> None:
        missing = block_fn.inputs[len(inputs) :]
        inputs.extend(part.value for part in missing if isinstance(part, Api))
        inputs[:] = [_plain(given) if isinstance(part, Api) else given for given, part in zip(inputs, block_fn.inputs)]
        super().validate_inputs(block_fn, inputs)


def _plain(given):
    """A value without the mark by which Gradio finds files in it, where they are web addresses."""
    if isinstance(given, list):
        return [_plain(each) for each in given]
    if isinstance(given, dict) and str(given.get("path")).startswith(("http://", "https://")):
        return {"path": given["path"]}
    return given


def offer(page: gr.Blocks, endpoint: Callable, **settings: Any) -> None:
    """Make an endpoint of a method. Its parameters keep their names and descriptions, which `gr.api` only numbers."""
    index = api(endpoint, api_name=endpoint.__name__, **settings)["id"]
    _, parameters, results = get_function_description(endpoint)
    described = [*parameters.items(), ("result", " ".join(results))]
    parts: list[Any] = [*page.fns[index].inputs, *page.fns[index].outputs]
    for part, (name, words) in zip(parts, described, strict=True):
        part.label = name
        part._api_info = {**part._api_info, "additional_description": words}


class SwappedFont(LocalFont):
    """A font of Gradio's own that words do not wait for: they stand there in another one until it has come."""

    def stylesheet(self) -> dict:
        sheet = super().stylesheet()
        return {**sheet, "css": sheet["css"].replace("font-style: normal;", "font-style: normal; font-display: swap;")}


# The page's own questions


def server_functions(handlers: Handlers) -> list[Callable]:
    """What the page asks: about one photo, photo by photo about many, about the model, and about the line.

    Each is one request, of which its answer comes back. Gradio's own way, an event in its queue, is three, and a look
    at each of those who wait twenty times a second. Each kind of work has a lane of its own: single photos, one photo of
    many at a time, in turn with other visitors', and one zip to be unpacked and one to be packed are beside one another.
    """
    visitors = batch_handlers.BatchHandlers(handlers)
    single, rest = Lane(AT_ONCE), Lane(2)
    lanes = {"look": single, "save": single, "pair": single}
    lanes |= {"many_cut": Lane(), "many_unpack": Lane(), "many_zip": Lane()}
    lanes["photo_at"] = Lane(2)  # others' servers may be slow
    lanes["pick"] = Lane(2)  # the hand waits
    answers = [(f"many_{name}", getattr(visitors, name)) for name in ("cut", "unpack", "peek", "zip", "forget")]
    for name in ("look", "save", "pair", "pick", "room", "photo_at", "about"):
        answers.append((name, _heedless(getattr(handlers, name))))

    async def line(question: dict, request: gr.Request) -> dict:
        """How many others come before the asker: in the line of the function that `of` names, or in the longest."""
        asker, of = await _asker(request), question.get("of") if isinstance(question, dict) else None
        asked = [lanes[of]] if isinstance(of, str) and of in lanes else [rest, *lanes.values()]
        waits = [each.ahead(asker.session) for each in asked]
        return {"ahead": max((ahead for ahead in waits if ahead is not None), default=0)}

    return [line, *(_server_function(name, answer, lanes.get(name, rest)) for name, answer in answers)]


def _heedless(answer):
    """An answer that is made to its end, whoever has left."""
    return lambda question, stopped: answer(question)


def _server_function(name, answer, lane):
    async def ask(question: dict, request: gr.Request) -> dict:
        asked = question if isinstance(question, dict) else {}
        gone = cast(Any, request).is_disconnected
        try:
            return await lane.run(await _asker(request), gone, lambda stopped: answer(asked, stopped))
        except LeftError:
            return {}
        except PhotoError as error:
            return refusal(error)

    ask.__name__ = name
    return ask


async def _asker(request: Any) -> Asker:
    """Who asks a server function. Gradio has read the question, which says so, and keeps it."""
    said = await request.json() if "json" in request.headers.get("content-type", "") else {}
    return asker_of(request, str(said.get("session_hash") or "") if isinstance(said, dict) else "")
