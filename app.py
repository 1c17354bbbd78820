"""The page: a photo in, a live heatmap and a cutout out. `python app.py` serves it."""

import argparse
import asyncio
import inspect
import os
import tempfile
import threading
from contextlib import asynccontextmanager, contextmanager
from dataclasses import fields
from functools import wraps
from pathlib import Path
from typing import Literal

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")  # before gradio reads it: no outside hosts
# A folder of our own, as everything in it is deleted after a while.
os.environ.setdefault("GRADIO_TEMP_DIR", str(Path(tempfile.gettempdir()) / "chairlift"))

import gradio as gr
from gradio.components.api_component import Api
from gradio.utils import get_function_description, get_upload_folder

from segmenter.web import batch_handlers, viewer
from segmenter.render.options import FORMATS, KINDS, Choices
from segmenter.web.handlers import MAX_MEGABYTES, Desk
from segmenter.io.images import PhotoError, open_photo
from segmenter.inference.predictor import WEIGHTS, WeightsError
from segmenter.web.live_weights import open_supply
from segmenter.web.uploads import Uploads

EXAMPLES = Path(__file__).resolve().parent / "segmenter" / "data" / "examples" / "images"
FIRST = "06_thin_legged_chair"  # the example that is on the page before anything is chosen
KEPT_SECONDS = 3600  # files of visitors are deleted when they are older; the page says so
SWEEP_SECONDS = 600  # how often they are looked through
AT_ONCE = 2  # photos that are worked on at the same time; others wait in the queue
EVENTS = ("look", "save", "pair", "room")  # of the page: the Desk's methods of these names answer them


def with_choices(endpoint):
    """Give a method a typed parameter for each of the Choices, where its docstring says `{choices}`.

    Gradio makes the endpoint's description out of its signature and docstring.
    """
    kinds = {"format": Literal[FORMATS], "what": Literal[KINDS]}
    parts = list(inspect.signature(endpoint).parameters.values())
    parts[2:2] = [
        inspect.Parameter(
            choice.name, inspect.Parameter.POSITIONAL_OR_KEYWORD,
            default=choice.default, annotation=kinds.get(choice.name, choice.type),
        )
        for choice in fields(Choices)
    ]  # fmt: skip
    signature = inspect.Signature([part for part in parts if part.kind is not inspect.Parameter.VAR_KEYWORD])

    @wraps(endpoint)
    def call(*given):
        return endpoint(**signature.bind(*given).arguments)

    told = "\n".join(f"{choice.name}: {choice.metadata['told']}." for choice in fields(Choices))
    call.__signature__ = signature.replace(return_annotation=inspect.signature(endpoint).return_annotation)
    call.__annotations__ = {part.name: part.annotation for part in signature.parameters.values() if part.name != "self"}
    call.__doc__ = endpoint.__doc__.replace("{choices}", told)
    return call


class Endpoints:
    """What programs may ask. Gradio takes the names, types and descriptions from here."""

    def __init__(self, desk):
        self._desk = desk

    @with_choices
    def cut(
        self, photo: gr.FileData, edits: str = "", background_picture: gr.FileData | None = None, **settings
    ) -> gr.FileData:
        """Cut the furniture out of a photo, and finish the picture: background, shadow, frame and format.

        Args:
            photo: a picture file, or its web address: JPEG, PNG, WebP, GIF, BMP, TIFF or AVIF, up to 30 MB.
            {choices}
            edits: corrections by hand as JSON: a list of strokes and of pieces to keep or drop.
            background_picture: a picture file for the background "own".

        Returns:
            A file: by default a PNG with transparent background, in the photo's own size, upright.
        """
        with plain_words():
            return self._desk.cut(photo, settings, edits, background_picture)

    def probability(self, photo: gr.FileData) -> gr.FileData:
        """How probably each pixel of a photo is furniture.

        Args:
            photo: a picture file, or its web address: JPEG, PNG, WebP, GIF, BMP, TIFF or AVIF, up to 30 MB.

        Returns:
            A 16-bit grey PNG file in the photo's own size, upright: 0 is surely background, 65535 surely furniture.
        """
        with plain_words():
            return self._desk.probability(photo)


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
            return batch_handlers.run(self._desk, photos, settings, edits, background_picture, lambda *done: progress(done))


@contextmanager
def plain_words():
    """Tell a program what is wrong as the page tells a visitor."""
    try:
        yield
    except PhotoError as error:
        raise gr.Error(str(error), print_exception=False) from error


class Page(gr.Blocks):
    """Blocks whose endpoints may be given the first few values alone, over plain HTTP too.

    They also get web addresses as they are: Gradio would fetch them before anybody asked, however
    large the file is, and would not know those of this page itself.
    """

    def validate_inputs(self, block_fn, inputs):
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


def offer(page, endpoint, **settings):
    """Make an endpoint of a method. Its parameters keep their names and descriptions, which `gr.api` only numbers."""
    index = gr.api(endpoint, api_name=endpoint.__name__, **settings)["id"]
    _, parameters, results = get_function_description(endpoint)
    told = [*parameters.items(), ("result", " ".join(results))]
    for part, (name, words) in zip([*page.fns[index].inputs, *page.fns[index].outputs], told, strict=True):
        part.label = name
        part._api_info = {**part._api_info, "additional_description": words}


def build_page(supply, examples=EXAMPLES):
    """The page, ready to launch with `launch_options()`.

    Args:
        supply: a Supply; or a Segmenter, or anything with its `probabilities` and `threshold`.
        examples: a folder of JPEG photos to offer, one click each.

    Returns:
        gr.Blocks.
    """
    desk = Desk(supply, Uploads(get_upload_folder), sorted(Path(examples).glob("*.jpg"), key=_first_comes))
    weights = desk.supply.now
    offered = [{"id": name, "thumbnail": viewer.thumbnail(open_photo(path))} for name, path in desk.examples.items()]
    with Page(title="Chairlift", analytics_enabled=False, delete_cache=(SWEEP_SECONDS, KEPT_SECONDS)) as page:
        canvas = gr.HTML(
            html_template=viewer.page(), js_on_load=viewer.script(), apply_default_css=False,
            texts=viewer.texts(), examples=offered, threshold=weights.segmenter.threshold, limit=MAX_MEGABYTES,
            finishing=viewer.finishing(), bounds=batch_handlers.BOUNDS, server_functions=_questions(desk),
        )  # fmt: skip
        quiet = {"show_progress": "hidden", "api_visibility": "private", "trigger_mode": "multiple"}
        busy = {"concurrency_id": "network", "concurrency_limit": AT_ONCE}
        for event in EVENTS:
            answered = getattr(canvas, event)(_handler(getattr(desk, event)), None, canvas, **quiet, **busy)
            answered.failure(None, js=_tell_failure(event))
        endpoints = Endpoints(desk)
        offer(page, endpoints.cut, **busy)
        offer(page, endpoints.probability, **busy)
        offer(page, endpoints.batch, concurrency_id="batch", concurrency_limit=1)  # a lane of its own: it takes minutes
    page.queue(max_size=64)
    first = next(iter(desk.examples), None)
    if first:  # the first visitor finds it ready
        threading.Thread(target=desk.show_example, args=(first, weights), daemon=True).start()
    return page


def _first_comes(path):
    return path.stem != FIRST, path.stem


def _handler(answer):
    """One of the page's events: the Desk answers the question, and the page finds its answer by the token."""

    def handle(event: gr.EventData) -> dict:
        question = event._data or {}
        return {**answer(question), "token": question.get("token")}

    return handle


def _questions(desk):
    """What the page asks aside from Gradio's queue: about the model, and photo by photo about many.

    A run of many photos has one question or two under way, and one is answered at a time: in turn with other
    visitors' runs, and beside the queue of those with a single photo.
    """
    visitors = batch_handlers.Many(desk)
    work, rest = asyncio.Semaphore(1), asyncio.Semaphore(2)
    answers = [("many_cut", visitors.cut, work), ("about", desk.about, rest)]
    answers += [(f"many_{name}", getattr(visitors, name), rest) for name in ("unpack", "zip", "forget")]
    return [_question(*answer) for answer in answers]


def _question(name, answer, turns):
    async def ask(question: dict) -> dict:
        async with turns:
            return await asyncio.to_thread(answer, question if isinstance(question, dict) else {})

    ask.__name__ = name
    return ask


def _tell_failure(event):
    """What lets the page know that the server stumbled over a question of this name."""
    told = f"new CustomEvent('chairlift-failed', {{ detail: '{event}' }})"
    return f"() => {{ window.dispatchEvent({told}); }}"


@asynccontextmanager
async def _sweeping(_):
    """While the page is served, delete again and again what visitors left behind."""

    async def sweep():
        while True:
            await asyncio.to_thread(uploads.sweep, KEPT_SECONDS)
            await asyncio.sleep(SWEEP_SECONDS)

    uploads = Uploads(get_upload_folder)
    task = asyncio.create_task(sweep())
    yield
    task.cancel()


def launch_options():
    """What `build_page(…).launch` needs besides an address."""
    return {
        "theme": gr.themes.Base(font=[gr.themes.LocalFont("IBM Plex Sans", weights=(400, 700)), "system-ui", "sans-serif"]),
        "head": viewer.head(),
        "footer_links": ["api"],  # the viewer opens it from a link of its own
        "run_history": False,
        "max_file_size": batch_handlers.MAX_ZIP_MEGABYTES * 2**20,  # of photos the desk takes less
        "ssr_mode": False,
        "mcp_server": True,
        "app_kwargs": {"lifespan": _sweeping},
    }


def main(arguments=None):
    """Serve the page until it is stopped."""
    parser = argparse.ArgumentParser(description="Serve the page that cuts furniture out of photos.")
    parser.add_argument("--weights", default=os.environ.get("SEGMENTER_WEIGHTS") or WEIGHTS, metavar="PLACE",
                        help="weights folder, or OWNER/NAME[@revision] on the Hugging Face Hub "
                        "(SEGMENTER_WEIGHTS; the bundled ones by default)")  # fmt: skip
    parser.add_argument("--host", help="address to serve on (GRADIO_SERVER_NAME; 127.0.0.1 by default)")
    parser.add_argument("--port", type=int, help="port (GRADIO_SERVER_PORT; 7860 by default)")
    options = parser.parse_args(arguments)
    try:
        supply = open_supply(options.weights)
    except WeightsError as error:
        parser.error(str(error))
    build_page(supply).launch(server_name=options.host, server_port=options.port, **launch_options())


if __name__ == "__main__":
    main()
