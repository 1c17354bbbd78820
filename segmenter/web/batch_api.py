"""What a program asks of many photos: all at once, and one zip comes back."""

import json
import shutil
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from typing import Any

from segmenter.batch import journal, runner
from segmenter.batch.find import find
from segmenter.errors import PhotoError
from segmenter.io.images import open_photo
from segmenter.render.options import Choices
from segmenter.web import batch_files, sent_zip
from segmenter.web.batch_handlers import MAX_ZIP_MEGABYTES, MOST_PHOTOS, RESULT_BYTES, stopped_work
from segmenter.web.handlers import Handlers
from segmenter.web.sent_zip import MAX_TOTAL_MEGABYTES
from segmenter.web.uploads import file_data


def run(
    handlers: Handlers,
    given: Iterable | None,
    settings: dict | str,
    edits: str | None = None,
    background: Any = None,
    progress: Callable[[int, int], Any] = lambda done, total: None,
    wanted: Callable[[], bool] = lambda: True,
) -> dict:
    """What a program asks of many photos: photos and zips → one zip of results.

    Args:
        handlers: Handlers.
        given: list of what `Uploads.receive` takes.
        settings: what `Choices.from_json` takes.
        edits: JSON text of an object: the name of a photo → its corrections.
        background: as one of `given`, for the choice "own".
        progress: called with (done, total) after each photo.
        wanted: whether somebody still waits for the answer; asked between photos.

    Returns:
        Gradio's view of the zip, a dict.

    Raises:
        PhotoError: something of this is not as it should be. A photo that cannot be used is no such thing:
            the table in the zip says so.
    """
    choices, edits_of = Choices.from_json(settings), _read_edits(edits)
    own = open_photo(handlers.receive(background)) if choices.background == "own" and background else None
    segmenter, folder = handlers.live.now.segmenter, handlers.uploads.new_folder()
    out = folder / "results"
    with ExitStack() as zips:
        zips.callback(shutil.rmtree, out, ignore_errors=True)
        sources = _receive(handlers, list(given or ()), zips, wanted)
        for step in runner.run(sources, segmenter, choices, out, edits=edits_of, background=own, workers=1):
            progress(step.done, step.total)
            if not wanted():
                raise stopped_work()
            handlers.uploads.budget.check(RESULT_BYTES)
        handlers.uploads.budget.check(batch_files.size(out))
        return file_data(journal.zip_of(out, folder / "chairlift.zip"))


def _receive(handlers, given, zips, wanted):
    """The Sources of what a program names, of zips that stay open until `zips`, an ExitStack, is closed.

    Each is looked at before the next is fetched, so that limits hold early.
    """
    if len(given) > MOST_PHOTOS:
        raise _too_many(len(given))
    paths, archives, count, total = [], {}, len(given), 0
    for file in given:
        if not wanted():
            raise stopped_work()
        path = handlers.uploads.receive(file, MAX_ZIP_MEGABYTES * 2**20)
        paths.append(path)
        total += path.stat().st_size
        if total > MAX_TOTAL_MEGABYTES * 2**20:
            message = "These photos are larger than {limit} MB in all. Please divide them."
            raise PhotoError(message, "batch.too_large", limit=MAX_TOTAL_MEGABYTES)
        if path.suffix.lower() == ".zip":
            archives[path] = archives.get(path) or zips.enter_context(sent_zip.opened(path))
            count += len(archives[path].photos()) - 1
            if count > MOST_PHOTOS:
                raise _too_many(count)
    return [each if each.member is None else archives[each.path].open_source(each) for each in find(paths)]


def _too_many(count):
    message = "These are {count} photos; at most {limit} are possible at once."
    return PhotoError(message, "batch.too_many", count=count, limit=MOST_PHOTOS)


def _read_edits(text):
    try:
        edits = json.loads(text or "{}")
    except (ValueError, RecursionError) as error:
        raise PhotoError("These corrections are not valid JSON: {why}", "correction.json", why=str(error)) from error
    if not isinstance(edits, dict):
        message = "The corrections of many photos are an object: the name of each photo, and its corrections."
        raise PhotoError(message, "correction.object")
    return edits
