"""Many photos of one visitor: worked on one question at a time, so that nobody waits long for anybody.

A visitor's photos and results lie in a folder of their own, which goes by a key that their browser
drew; whoever knows the key may ask for it. Nothing of it is kept in memory.
"""

import base64
import json
import re
import shutil
import zipfile
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from segmenter.batch import journal, runner
from segmenter.batch.find import Source, find
from segmenter.batch.journal import Result
from segmenter.errors import GoneError, PhotoError
from segmenter.io import files
from segmenter.io.images import open_photo
from segmenter.render.options import Choices
from segmenter.web import batch_files, viewer
from segmenter.web.batch_zip import RECORDS, check_pattern, read_records, write_zip
from segmenter.web.handlers import Handlers, refusal
from segmenter.web.uploads import PREFIX, file_data

MOST_PHOTOS = 500
MOST_ENTRIES = 5000  # of a zip, photos or not: its list is read again for each photo
MAX_ZIP_MEGABYTES = 300  # of a zip that is sent
MAX_TOTAL_MEGABYTES = 2000  # of a visitor's photos, and again of their results
BOUNDS = {"photos": MOST_PHOTOS, "zip": MAX_ZIP_MEGABYTES}  # as the page says them
WEIGHTS = ".weights"  # in the visitor's folder: the name of the weights that the batch is made by


class BatchHandlers:
    """Answers to the page's questions about many photos. In each, `key` names the visitor's folder.

    Args:
        handlers: Handlers.
    """

    def __init__(self, handlers: Handlers) -> None:
        self._handlers = handlers

    def unpack(self, question: dict) -> dict:
        """Take the photos out of a zip that was sent.

        The question has its `path`, and `taken`, the names that others of the visitor's photos have. The
        answer has `names`, which are `taken` from now on, the `paths` of these photos, and how many were left
        out (`left`).
        """
        try:
            folder = self._folder(question)
            path = self._handlers.uploads.find(question.get("path"))
            if path.stat().st_size > MAX_ZIP_MEGABYTES * 2**20:
                message = "This ZIP is larger than {limit} MB. Please make it smaller and try again."
                raise PhotoError(message, "zip.too_large", limit=MAX_ZIP_MEGABYTES)
            sources = find([path])
            _check_unpacked(path, sources)
            taken = {_stem(str(name)) for name in _list(question.get("taken"))}
            room = max(0, MOST_PHOTOS - len(taken))
            names = [_unpack(source, folder / "photos", taken) for source in sources[:room]]
            batch_files.take(folder, path, folder / f"{len(taken)}-{batch_files.ZIP}")
        except PhotoError as error:
            return refusal(error)
        paths = [str(folder / "photos" / name) for name in names]
        return {"names": names, "paths": paths, "left": max(0, len(sources) - room)}

    def peek(self, question: dict) -> dict:
        """A small picture of a photo that came in a zip, by its `name`: `thumbnail`, a data URI."""
        try:
            source = self._source(self._folder(question), {"name": question.get("name")})
            return {"thumbnail": viewer.thumbnail(open_photo(source.path))}
        except PhotoError as error:
            return refusal(error)

    def cut(self, question: dict) -> dict:
        """Work on one photo.

        The question has its `name`, the `path` where it was sent unless it was worked on before or came in a
        zip, and `choices`, `edits` and `background` as the studio has them. The answer has `result`, a
        dict of the columns of results.csv; `thumbnail`, of the cutout, as a data URI; the photo's
        `path`, for the studio; and the name of the `weights`. These are those that the batch began with as
        long as they are here; where others took over, what was made before is to be made again.
        """
        try:
            folder = self._folder(question)
            source = self._source(folder, question)
            choices = Choices.from_json(question.get("choices") or {})
            background = question.get("background")
            own = open_photo(self._handlers.photo(background)) if choices.background == "own" and background else None
            edits = {source.name: question.get("edits") or ()}
            weights, out = self._weights(folder), folder / "results"
            steps = runner.run(
                [source],
                weights.segmenter,
                replace(choices, what="cutout"),
                out,
                edits=edits,
                background=own,
                workers=1,
                thumbnails=True,
            )
            (result,) = [step.result for step in steps if step.result]
        except PhotoError as error:
            return refusal(error)
        columns = {name: getattr(result, name) for name in journal.COLUMNS}
        with open(out / RECORDS, "a", encoding="utf-8") as records:
            records.write(json.dumps({"result": columns, "weights": weights.name}) + "\n")
        return {
            "result": columns,
            "path": str(source.path),
            "weights": weights.name,
            "thumbnail": _data_uri(result.thumbnail) if result.thumbnail else None,
            "problem": viewer.problem(result.problem) if result.problem else None,
        }

    def zip(self, question: dict) -> dict:
        """All results and their table as one file.

        The question has `names`, the photos in their order, and `errors`, a dict of the name of a photo that could
        not be sent → what the page says of it; `pattern`, how the files are called; `only`, "cutouts" or "all".
        """
        try:
            folder = self._folder(question)
            out, errors = folder / "results", question.get("errors")
            errors = errors if isinstance(errors, dict) else {}
            found = read_records(out, _read_name(folder))
            rows = []
            for name in filter(_is_name, _list(question.get("names"))[:MOST_PHOTOS]):
                if name in found:
                    rows.append(found[name])
                elif name in errors:
                    rows.append(Result(str(name)[:200], error=str(errors[name])[:500]))
            if not any(row.cutout for row in rows):
                raise _gone_results()
            pattern, only = (
                check_pattern(question.get("pattern")),
                "cutouts" if question.get("only") == "cutouts" else "all",
            )
            path = write_zip(out, out.parent / "chairlift.zip", rows, pattern, only)
        except (FileNotFoundError, GoneError):  # swept away meanwhile
            return refusal(_gone_results())
        except PhotoError as error:
            return refusal(error)
        return {"file": file_data(path)}

    def forget(self, question: dict) -> dict:
        """Delete all that there is of this visitor's."""
        try:
            batch_files.forget(self._folder(question))
        except PhotoError as error:
            return refusal(error)
        return {}

    def _folder(self, question):
        """The visitor's folder, which is made where it is missing."""
        key = question.get("key")
        if not isinstance(key, str) or not re.fullmatch("[0-9a-f]{32}", key):
            raise PhotoError("This is not a key of a visitor's photos.", "batch.key")
        folder = self._handlers.uploads.folder / (PREFIX + key)
        (folder / "photos").mkdir(parents=True, exist_ok=True)
        (folder / "results").mkdir(exist_ok=True)
        return folder

    def _weights(self, folder):
        """The weights that the visitor's batch began with, as long as they are here: a batch is made by one kind."""
        name = _read_name(folder)
        weights = self._handlers.live.named(name)
        if weights.name != name:
            files.write(folder / WEIGHTS, weights.name.encode())
        return weights

    def _source(self, folder, question):
        """The photo of a question, in the visitor's folder."""
        name, path = question.get("name"), question.get("path")
        if not isinstance(name, str) or not batch_files.is_safe(name):
            raise PhotoError(*batch_files.NO_NAME)
        place = folder / "photos" / name
        if path is not None:
            sent = self._handlers.photo(path)
            if batch_files.size(folder) > MAX_TOTAL_MEGABYTES * 2**20:
                message = "The results are larger than {limit} MB. Please download them and begin again."
                raise PhotoError(message, "batch.full", limit=MAX_TOTAL_MEGABYTES)
            if sent != place.resolve():
                batch_files.make_room(place)
                batch_files.take(folder, sent, place)
        elif not place.is_file():
            raise GoneError(
                "This photo is no longer kept on the server. Please choose the photos again.", "gone.photos"
            )
        return Source(name, place)


def run(
    handlers: Handlers,
    given: Iterable | None,
    settings: dict | str,
    edits: str | None = None,
    background: Any = None,
    progress: Callable[[int, int], Any] = lambda done, total: None,
) -> dict:
    """What a program asks of many photos: photos and zips → one zip of results.

    Args:
        handlers: Handlers.
        given: list of what `Uploads.receive` takes.
        settings: what `Choices.from_json` takes.
        edits: JSON text of an object: the name of a photo → its corrections.
        background: as one of `given`, for the choice "own".
        progress: called with (done, total) after each photo.

    Returns:
        Gradio's view of the zip, a dict.

    Raises:
        PhotoError: something of this is not as it should be. A photo that cannot be used is no such thing:
            the table in the zip says so.
    """
    choices, edits_of = Choices.from_json(settings), _read_edits(edits)
    own = open_photo(handlers.receive(background)) if choices.background == "own" and background else None
    sources = _receive(handlers, list(given or ()))
    folder = handlers.uploads.new_folder()
    try:
        for step in runner.run(
            sources, handlers.live.now.segmenter, choices, folder / "results", edits=edits_of, background=own, workers=1
        ):
            progress(step.done, step.total)
        return file_data(journal.zip_of(folder / "results", folder / "chairlift.zip"))
    finally:
        shutil.rmtree(folder / "results", ignore_errors=True)


def _receive(handlers, given):
    """The Sources of what a program names. Each is looked at before the next is fetched, so that limits hold early."""
    if len(given) > MOST_PHOTOS:
        raise _too_many(len(given))
    paths, count, total = [], len(given), 0
    for file in given:
        path = handlers.uploads.receive(file, MAX_ZIP_MEGABYTES * 2**20)
        paths.append(path)
        total += path.stat().st_size
        if total > MAX_TOTAL_MEGABYTES * 2**20:
            message = "These photos are larger than {limit} MB in all. Please divide them."
            raise PhotoError(message, "batch.too_large", limit=MAX_TOTAL_MEGABYTES)
        if zipfile.is_zipfile(path):
            inside = _inside(path)
            count += len(inside) - 1
            if count > MOST_PHOTOS:
                raise _too_many(count)
            _check_unpacked(path, inside)
    return find(paths)


def _inside(path):
    """The Sources in a zip, which may be none as long as there are photos elsewhere."""
    try:
        return find([path])
    except PhotoError as error:
        if error.code == "batch.empty":
            return []
        raise


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


def _gone_results():
    return GoneError("These results are no longer kept on the server. Please choose the photos again.", "gone.results")


def _read_name(folder):
    """The name of the weights that a visitor's batch is made by, or None before there is a first photo."""
    try:
        return (folder / WEIGHTS).read_text()
    except FileNotFoundError:
        return None


def _check_unpacked(path, sources):
    """See that a zip is not larger than it looks."""
    if not zipfile.is_zipfile(path):
        message = "The ZIP {name!r} cannot be opened: it is damaged or no ZIP at all."
        raise PhotoError(message, "zip.damaged", name=path.name)
    members = {source.member for source in sources}
    with zipfile.ZipFile(path) as archive:
        count = len(archive.infolist())
        if count > MOST_ENTRIES:
            message = "The ZIP {name!r} holds {count} files; at most {limit} are possible."
            raise PhotoError(message, "zip.too_many", name=path.name, count=count, limit=MOST_ENTRIES)
        total = sum(info.file_size for info in archive.infolist() if info.filename in members)
    if total > MAX_TOTAL_MEGABYTES * 2**20:
        message = "This ZIP is larger than {limit} MB when it is unpacked. Please divide it."
        raise PhotoError(message, "zip.unpacked_too_large", limit=MAX_TOTAL_MEGABYTES)


def _list(given):
    return given if isinstance(given, list) else []


def _is_name(given):
    return isinstance(given, str)


def _stem(name):
    """What no two photos may share, as their results are called so."""
    return str(Path(name).with_suffix("")).casefold()


def _unpack(source, folder, taken):
    """Write one photo of a zip under a name of its own. Returns the name, which is `taken` then."""
    name, number = source.name, 2
    while _stem(name) in taken:
        name, number = f"{source.stem}-{number}{Path(source.name).suffix}", number + 1
    taken.add(_stem(name))
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    try:
        files.write(folder / name, source.read())
    except PhotoError:  # it is reported when its turn comes
        files.write(folder / name, b"")
    return name


def _data_uri(data):
    return f"data:image/webp;base64,{base64.b64encode(data).decode()}"
