"""The page: a photo in, a live heatmap and a cutout out. `python app.py` serves it."""

import argparse
import os
import tempfile
import threading
from collections.abc import Collection, Sequence
from pathlib import Path

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")  # before gradio reads it: no outside hosts
# A folder of our own, as everything in it is deleted after a while.
os.environ.setdefault("GRADIO_TEMP_DIR", str(Path(tempfile.gettempdir()) / "chairlift"))

import gradio as gr
from gradio.themes import Base
from gradio.utils import get_upload_folder

from segmenter import memory
from segmenter.batch.runner import Predictor
from segmenter.errors import WeightsError
from segmenter.inference.predictor import WEIGHTS
from segmenter.io.images import open_photo
from segmenter.web import batch_handlers, gradio_api, viewer
from segmenter.web.disk import budget
from segmenter.web.gradio_queue import Listening
from segmenter.web.guard import Guard
from segmenter.web.handlers import AT_ONCE, MAX_MEGABYTES, Handlers
from segmenter.web.limits import Limits
from segmenter.web.link_card import LinkCard
from segmenter.web.live_weights import LiveWeights, open_weights
from segmenter.web.nonsense import Nonsense
from segmenter.web.uploads import Uploads

EXAMPLES = Path(__file__).resolve().parent / "segmenter" / "data" / "examples" / "images"
# Those that the page offers, in its order; the first is on it before anything is chosen. The default weights cut them
# out without a fault that is seen, save the last, which is said to be hard.
SHOWN = (
    "15_plaid_chair",
    "09_two_yellow_armchairs",
    "16_leather_armchair",
    "14_black_chair",
    "11_daybed_by_window",
    "10_yellow_sofa",
    "12_wicker_armchair",
    "04_two_chairs_at_table",
)
KEPT_SECONDS = 3600  # files of visitors are deleted when they are older; the page says so
SWEEP_SECONDS = 600  # how often they are looked through


def build_page(weights: LiveWeights | Predictor) -> gr.Blocks:
    """The page, ready to launch with `launch_options()`.

    Args:
        weights: LiveWeights; or a Segmenter, or anything with its `probabilities` and `threshold`.

    Returns:
        gr.Blocks.
    """
    handlers = Handlers(weights, Uploads(get_upload_folder), [EXAMPLES / f"{name}.jpg" for name in SHOWN])
    now = handlers.live.now
    offered = [
        {"id": name, "thumbnail": viewer.thumbnail(open_photo(path, 2 * viewer.THUMBNAIL_SIDE))}
        for name, path in handlers.examples.items()
    ]
    with gradio_api.Page(
        title="Chairlift", analytics_enabled=False, delete_cache=(SWEEP_SECONDS, KEPT_SECONDS)
    ) as page:
        gr.HTML(
            html_template=viewer.page(),
            js_on_load=viewer.script(),
            apply_default_css=False,
            texts=viewer.texts(),
            examples=offered,
            threshold=now.segmenter.threshold,
            limit=MAX_MEGABYTES,
            rooms=viewer.rooms(),
            bounds=batch_handlers.BOUNDS,
            server_functions=gradio_api.server_functions(handlers),
        )
        busy = {"concurrency_id": "network", "concurrency_limit": AT_ONCE}
        endpoints = gradio_api.Endpoints(handlers)
        gradio_api.offer(page, endpoints.cut, **busy)
        gradio_api.offer(page, endpoints.probability, **busy)
        gradio_api.offer(
            page, endpoints.batch, concurrency_id="batch", concurrency_limit=1
        )  # a lane of its own: it takes minutes
    first = next(iter(handlers.examples), None)
    if first:  # the first visitor finds it ready
        threading.Thread(target=handlers.show_example, args=(first, now), daemon=True).start()
    return page


def launch_options(hosts: Collection[str] = ()) -> dict:
    """What `build_page(…).launch` needs besides an address.

    Args:
        hosts: names that the server is reached by, as `guard.is_served` takes them.
    """
    uploads = Uploads(get_upload_folder)
    return {
        "theme": Base(font=[gradio_api.SwappedFont("IBM Plex Sans", weights=(400, 700)), "system-ui", "sans-serif"]),
        "head": viewer.head(),
        "footer_links": ["api"],  # the viewer opens it from a link of its own
        "run_history": False,
        "enable_monitoring": False,
        "max_file_size": batch_handlers.MAX_ZIP_MEGABYTES * 2**20,  # of a single photo less is taken
        "ssr_mode": False,
        "mcp_server": True,
        "app_kwargs": {
            "lifespan": uploads.lifespan(KEPT_SECONDS, SWEEP_SECONDS),
            "middleware": [
                (Guard, (), {"hosts": hosts}),
                (Limits, (), {"check_room": uploads.budget.check}),
                (Listening, (), {}),
                (Nonsense, (), {}),
                (LinkCard, (), {}),
            ],
        },
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve the page until it is stopped."""
    parser = argparse.ArgumentParser(description="Serve the page that cuts furniture out of photos.")
    parser.add_argument(
        "--weights",
        default=os.environ.get("SEGMENTER_WEIGHTS") or WEIGHTS,
        metavar="PLACE",
        help="weights folder, or OWNER/NAME[@revision] on the Hugging Face Hub "
        "(SEGMENTER_WEIGHTS; the bundled ones by default)",
    )
    parser.add_argument("--host", help="address to serve on (GRADIO_SERVER_NAME; 127.0.0.1 by default)")
    parser.add_argument("--port", type=int, help="port (GRADIO_SERVER_PORT; 7860 by default)")
    parser.add_argument(
        "--name",
        action="append",
        default=[],
        metavar="HOST",
        help="a host name that the page is reached by, such as chairs.example.org; all other names are refused, "
        "beside localhost, addresses in numbers and a Space's own (may be given again; SEGMENTER_HOSTS)",
    )
    options = parser.parse_args(arguments)
    try:
        weights = open_weights(options.weights)
        budget()
    except (WeightsError, ValueError) as error:
        parser.error(str(error))
    folder = get_upload_folder()
    try:
        Uploads(get_upload_folder).claim()
        # What is left in the system's own is never swept away.
        tempfile.tempdir = os.environ["TMPDIR"] = folder
        tempfile.TemporaryFile().close()
    except OSError as error:
        parser.error(f"{folder} cannot be written to ({error}); name another folder in GRADIO_TEMP_DIR")
    memory.reuse()
    page = build_page(weights)
    names = [*options.name, *filter(None, [options.host])]
    try:
        page.launch(server_name=options.host, server_port=options.port, **launch_options(names))
    except OSError as error:
        parser.error(f"the page cannot be served there: {error}")


if __name__ == "__main__":
    main()
