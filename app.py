"""The page: a photo in, a live heatmap and a cutout out. `python app.py` serves it."""

import argparse
import os
import tempfile
import threading
from functools import lru_cache
from pathlib import Path

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")  # before gradio reads it: no outside hosts

import cv2
import gradio as gr
import numpy as np
from gradio.utils import get_upload_folder

from segmenter import cutout, viewer
from segmenter.photos import PhotoError, open_photo
from segmenter.predictor import WEIGHTS, WeightsError
from segmenter.supply import Supply, open_supply

EXAMPLES = Path(__file__).resolve().parent / "segmenter" / "data" / "examples" / "images"
FIRST = "06_thin_legged_chair"  # the example that is on the page before anything is chosen
MAX_MEGABYTES = 30
KEPT_SECONDS = 3600  # files of visitors are deleted when they are older; the page says so
SWEEP_SECONDS = 600  # how often they are looked through
AT_ONCE = 2  # photos that are worked on at the same time; others wait in the queue


class GoneError(PhotoError):
    """The photo was sent here, but so long ago that it is deleted."""


def uploaded(path):
    """A path that a visitor names, if it is of a file that was uploaded to this page.

    Raises:
        GoneError: it is no longer kept.
        PhotoError: it is any other file of this machine.
    """
    folder = Path(get_upload_folder()).resolve()
    try:
        found = Path(path).resolve()
    except (TypeError, ValueError, OSError) as error:
        raise PhotoError("This is not a photo that was sent to this page.") from error
    if folder not in found.parents:
        raise PhotoError("This is not a photo that was sent to this page.")
    if not found.is_file():
        raise GoneError("This photo is no longer kept on the server. Please choose it again.")
    return found


def checked_threshold(threshold):
    """The threshold as a number of 0 … 1, or a PhotoError."""
    if isinstance(threshold, bool) or not isinstance(threshold, (int, float)) or not 0 <= threshold <= 1:
        raise PhotoError("The threshold is a number from 0 to 1.")
    return float(threshold)


def keep(data, name):
    """Write a file for a visitor to fetch, where old files are deleted. Returns Gradio's view of it."""
    upload_folder = get_upload_folder()
    Path(upload_folder).mkdir(parents=True, exist_ok=True)
    path = Path(tempfile.mkdtemp(dir=upload_folder)) / name
    path.write_bytes(data)
    return gr.FileData(path=str(path), orig_name=name).model_dump()


class Desk:
    """What the page and its endpoints do. It keeps nothing of any visitor."""

    def __init__(self, supply, examples=EXAMPLES):
        self.supply = supply if isinstance(supply, Supply) else Supply(supply)
        self.examples = {path.stem: path for path in sorted(Path(examples).glob("*.jpg"), key=_first_comes)}
        self.show_example = lru_cache(maxsize=2 * len(self.examples))(self._show_example)  # of two weights

    def look(self, event: gr.EventData) -> dict:
        """The photo that the page names, and its map, as the page draws them."""
        question = event._data or {}
        weights, notice = self.supply.now, self.supply.notice
        try:
            shown = {**self._shown(question, weights), "weights": weights.told(), "notice": notice}
        except PhotoError as error:
            shown = {"problem": viewer.problem(str(error))}
        return {**shown, "token": question.get("token")}

    def save(self, event: gr.EventData) -> dict:
        """The cutout as a file, for the page to hand over: by the weights whose map the visitor sees."""
        question = event._data or {}
        try:
            threshold = checked_threshold(question.get("threshold"))
            weights = self.supply.named(question.get("weights"))
            answer = {"file": self._cut(self._source(question), threshold, weights)}
        except PhotoError as error:
            answer = {"problem": viewer.problem(str(error)), "gone": isinstance(error, GoneError)}
        return {**answer, "token": question.get("token")}

    def cut(self, photo: gr.FileData, threshold: float = 0.5) -> gr.FileData:
        """Cut the furniture out of a photo.

        Args:
            photo: a picture file: JPEG, PNG, WebP, GIF, BMP, TIFF or AVIF, up to 30 MB.
            threshold: how sure it must be, 0 to 1. Every pixel that is furniture with at least this probability is kept.

        Returns:
            A PNG file with transparent background, in the photo's own size, upright.
        """
        try:
            return self._cut(uploaded(_path_of(photo)), checked_threshold(threshold), self.supply.now)
        except PhotoError as error:
            raise gr.Error(str(error), print_exception=False) from error

    def probability(self, photo: gr.FileData) -> gr.FileData:
        """How probably each pixel of a photo is furniture.

        Args:
            photo: a picture file: JPEG, PNG, WebP, GIF, BMP, TIFF or AVIF, up to 30 MB.

        Returns:
            A 16-bit grey PNG file in the photo's own size, upright: 0 is surely background, 65535 surely furniture.
        """
        try:
            path = uploaded(_path_of(photo))
            _, probabilities = self._map(path, self.supply.now)
        except PhotoError as error:
            raise gr.Error(str(error), print_exception=False) from error
        _, data = cv2.imencode(".png", np.rint(probabilities * 65535).astype(np.uint16))
        return keep(data.tobytes(), f"{path.stem}-probability.png")

    def _source(self, question):
        """The file that the page asks about: an example by its name, or an uploaded one by its path."""
        if question.get("example") is not None:
            if question["example"] not in self.examples:
                raise PhotoError("This is not one of the example photos.")
            return self.examples[question["example"]]
        return uploaded(question.get("path"))

    def _shown(self, question, weights):
        path = self._source(question)
        if question.get("example") is not None:
            return self.show_example(path.stem, weights)  # the same for every visitor, so it is made once
        return viewer.show(*self._map(path, weights))

    def _show_example(self, name, weights):
        return viewer.show(*self._map(self.examples[name], weights))

    def _map(self, path, weights):
        photo = open_photo(path)
        return photo, weights.segmenter.probabilities(photo)

    def _cut(self, path, threshold, weights):
        photo, probabilities = self._map(path, weights)
        rgba = cutout.cut(photo, probabilities, threshold)
        return keep(cutout.to_png(rgba), f"{path.stem}-cutout.png")


def _first_comes(path):
    return path.stem != FIRST, path.stem


def _path_of(file):
    return file.get("path") if isinstance(file, dict) else getattr(file, "path", None)


def build_page(supply, examples=EXAMPLES):
    """The page, ready to launch with `launch_options()`.

    Args:
        supply: a Supply; or a Segmenter, or anything with its `probabilities` and `threshold`.
        examples: a folder of JPEG photos to offer, one click each.

    Returns:
        gr.Blocks.
    """
    desk = Desk(supply, examples)
    weights = desk.supply.now
    offered = [{"id": name, "thumbnail": viewer.thumbnail(open_photo(path))} for name, path in desk.examples.items()]
    with gr.Blocks(title="Chairlift", analytics_enabled=False, delete_cache=(SWEEP_SECONDS, KEPT_SECONDS)) as page:
        canvas = gr.HTML(
            html_template=viewer.page(), js_on_load=viewer.script(), apply_default_css=False,
            texts=viewer.texts(), examples=offered, threshold=weights.segmenter.threshold, limit=MAX_MEGABYTES,
        )  # fmt: skip
        quiet = {"show_progress": "hidden", "api_visibility": "private", "trigger_mode": "multiple"}
        busy = {"concurrency_id": "network", "concurrency_limit": AT_ONCE}
        canvas.look(desk.look, None, canvas, **quiet, **busy).failure(**_tell_failure("look"))
        canvas.save(desk.save, None, canvas, **quiet, **busy).failure(**_tell_failure("save"))
        gr.api(desk.cut, api_name="cut", **busy)
        gr.api(desk.probability, api_name="probability", **busy)
    page.queue(max_size=64)
    first = next(iter(desk.examples), None)
    if first:  # the first visitor finds it ready
        threading.Thread(target=desk.show_example, args=(first, weights), daemon=True).start()
    return page


def _tell_failure(event):
    """What lets the page know that the server stumbled over a question of this name."""
    told = f"new CustomEvent('chairlift-failed', {{ detail: '{event}' }})"
    return {"fn": None, "js": f"() => {{ window.dispatchEvent({told}); }}"}


def launch_options():
    """What `build_page(…).launch` needs besides an address."""
    return {
        "theme": gr.themes.Base(font=[gr.themes.LocalFont("IBM Plex Sans", weights=(400, 700)), "system-ui", "sans-serif"]),
        "head": viewer.head(),
        "footer_links": ["api"],  # the viewer opens it from a link of its own
        "run_history": False,
        "max_file_size": MAX_MEGABYTES * 1024 * 1024,
        "ssr_mode": False,
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
