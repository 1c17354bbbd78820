"""Many photos of one visitor: worked on one question at a time, so that nobody waits long for anybody.

A visitor's photos and results lie in a folder of their own, which goes by a key that their browser
drew; whoever knows the key may ask for it. Nothing of it is kept in memory.
"""

import base64
import json
import re
import threading
from dataclasses import replace
from pathlib import Path

from segmenter.batch import journal, runner
from segmenter.batch.find import Source, no_photos
from segmenter.batch.journal import Result
from segmenter.errors import GoneError, PhotoError
from segmenter.io import files
from segmenter.io.images import open_photo
from segmenter.render.options import Choices
from segmenter.web import batch_files, sent_zip, viewer
from segmenter.web.batch_zip import RECORDS, check_pattern, read_records, write_zip
from segmenter.web.handlers import Handlers, refusing
from segmenter.web.sent_zip import MAX_TOTAL_MEGABYTES
from segmenter.web.uploads import PREFIX, file_data

MOST_PHOTOS = 500
MAX_ZIP_MEGABYTES = 300  # of a zip that is sent
RESULT_BYTES = 64 * 2**20  # for which there must be room before a photo is worked on
BOUNDS = {"photos": MOST_PHOTOS, "zip": MAX_ZIP_MEGABYTES}  # as the page says them
WEIGHTS = ".weights"  # in the visitor's folder: the name of the weights that the batch is made by


class BatchHandlers:
    """Answers to the page's questions about many photos. In each, `key` names the visitor's folder.

    Args:
        handlers: Handlers.
    """

    def __init__(self, handlers: Handlers) -> None:
        self._handlers = handlers

    @refusing
    def unpack(self, question: dict, stopped: threading.Event | None = None) -> dict:
        """Take the photos out of a zip that was sent.

        The question has its `path`, and `taken`, the names that others of the visitor's photos have. The
        answer has `names`, which are `taken` from now on, the `paths` of these photos, and how many were left
        out (`left`). Once `stopped` is set, it ends.
        """
        folder = self._folder(question)
        path = self._handlers.uploads.find(question.get("path"))
        if path.stat().st_size > MAX_ZIP_MEGABYTES * 2**20:
            message = "This ZIP is larger than {limit} MB. Please make it smaller and try again."
            raise PhotoError(message, "zip.too_large", limit=MAX_ZIP_MEGABYTES)
        taken = {_stem(str(name)) for name in _list(question.get("taken"))}
        room = max(0, MOST_PHOTOS - len(taken))
        own = folder / f"{len(taken)}-{batch_files.ZIP}"
        try:
            batch_files.take(folder, path, own)  # first, as whoever sent the same file may be done with it meanwhile
            with sent_zip.opened(path, stopped=stopped) as archive:
                photos = archive.photos()
                if not photos:
                    raise no_photos()
                self._handlers.uploads.budget.check(archive.size(photos[:room]))
                names = _unpack_all(archive, photos[:room], folder / "photos", taken)
        except FileNotFoundError as error:
            raise _photos_gone() from error
        except (PhotoError, OSError):
            own.unlink(missing_ok=True)
            raise
        paths = [str(folder / "photos" / name) for name in names]
        return {"names": names, "paths": paths, "left": max(0, len(photos) - room)}

    @refusing
    def peek(self, question: dict, stopped: threading.Event | None = None) -> dict:
        """A small picture of a photo that came in a zip, by its `name`: `thumbnail`, a data URI."""
        source = self._source(self._folder(question), {"name": question.get("name")})
        return {"thumbnail": viewer.thumbnail(open_photo(source.path))}

    @refusing
    def cut(self, question: dict, stopped: threading.Event | None = None) -> dict:
        """Work on one photo.

        The question has its `name`, the `path` where it was sent unless it was worked on before or came in a
        zip, and `choices`, `edits` and `background` as the studio has them. The answer has `result`, a
        dict of the columns of results.csv; `thumbnail`, of the cutout, as a data URI; the photo's
        `path`, for the studio; and the name of the `weights`. These are those that the batch began with as
        long as they are here; where others took over, what was made before is to be made again. Once `stopped`
        is set, the work ends.
        """
        self._handlers.uploads.budget.check(RESULT_BYTES)
        folder = self._folder(question)
        source = self._source(folder, question)
        choices = Choices.from_json(question.get("choices") or {})
        background = question.get("background")
        own = open_photo(self._handlers.photo(background)) if choices.background == "own" and background else None
        weights, out = self._weights(folder), folder / "results"
        steps = runner.run(
            [source],
            weights.segmenter,
            replace(choices, what="cutout"),
            out,
            edits={source.name: question.get("edits") or ()},
            background=own,
            workers=1,
            cancelled=stopped,
            thumbnails=True,
        )
        results = [step.result for step in steps if step.result]
        if not results:
            raise stopped_work()
        (result,) = results
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

    @refusing
    def zip(self, question: dict, stopped: threading.Event | None = None) -> dict:
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
            self._handlers.uploads.budget.check(batch_files.size(out))
            pattern, only = check_pattern(question.get("pattern")), question.get("only")
            path = write_zip(
                out, out.parent / "chairlift.zip", rows, pattern, "cutouts" if only == "cutouts" else "all"
            )
        except (FileNotFoundError, GoneError) as error:  # swept away meanwhile
            raise _gone_results() from error
        return {"file": file_data(path)}

    @refusing
    def forget(self, question: dict, stopped: threading.Event | None = None) -> dict:
        """Delete all that there is of this visitor's."""
        batch_files.forget(self._folder(question))
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
            raise _photos_gone()
        return Source(name, place)


def _photos_gone():
    return GoneError("This photo is no longer kept on the server. Please choose the photos again.", "gone.photos")


def _gone_results():
    return GoneError("These results are no longer kept on the server. Please choose the photos again.", "gone.results")


def _read_name(folder):
    """The name of the weights that a visitor's batch is made by, or None before there is a first photo."""
    try:
        return (folder / WEIGHTS).read_text()
    except FileNotFoundError:
        return None


def stopped_work() -> GoneError:
    """What ends work that nobody waits for any more."""
    return GoneError("Nobody waits for this any more.", "gone.visitor")


def _list(given):
    return given if isinstance(given, list) else []


def _is_name(given):
    return isinstance(given, str)


def _stem(name):
    """What no two photos may share, as their results are called so."""
    return str(Path(name).with_suffix("")).casefold()


def _unpack_all(archive, photos, folder, taken):
    """Write photos of a zip under names of their own, all or none. Returns the names, which are `taken` then."""
    names = []
    try:
        for photo in photos:
            archive.check_time()
            names.append(_unpack(photo, folder, taken))
    except (PhotoError, OSError):
        for name in names:
            (folder / name).unlink(missing_ok=True)
        raise
    return names


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
