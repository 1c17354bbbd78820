"""Many photos of one visitor: worked on one question at a time, so that nobody waits long for anybody.

A visitor's photos and results lie in a folder of their own, which goes by a key that their browser
drew; whoever knows the key may ask for it. Nothing of it is kept in memory.
"""

import base64
import json
import os
import re
import shutil
import zipfile
from dataclasses import asdict, replace
from pathlib import Path

from segmenter.batch import runner
from segmenter.io import files
from segmenter.web import viewer
from segmenter.batch.runner import Result, Source
from segmenter.render.options import Choices
from segmenter.web.handlers import refusal
from segmenter.io.images import PhotoError, open_photo
from segmenter.web.uploads import PREFIX, GoneError, told

MOST_PHOTOS = 500
MAX_ZIP_MEGABYTES = 300  # of a zip that is sent
MAX_TOTAL_MEGABYTES = 2000  # of a visitor's photos, and again of their results
BOUNDS = {"photos": MOST_PHOTOS, "zip": MAX_ZIP_MEGABYTES}  # as the page says them
RECORDS = ".records.jsonl"  # in the folder of results: what became of each photo


class Many:
    """Answers to the page's questions about many photos. In each, `key` names the visitor's folder.

    Args:
        desk: Desk.
    """

    def __init__(self, desk):
        self._desk = desk

    def unpack(self, question):
        """Take the photos out of a zip that was sent.

        The question has its `path`, and `taken`, the names that others of the visitor's photos have. The
        answer has `names`, which are `taken` from now on, and how many were left out (`left`).
        """
        try:
            folder = self._folder(question)
            path = self._desk.uploads.find(question.get("path"))
            if path.stat().st_size > MAX_ZIP_MEGABYTES * 2**20:
                raise PhotoError(f"This ZIP is larger than {MAX_ZIP_MEGABYTES} MB. Please make it smaller and try again.")
            sources = runner.find([path])
            _check_unpacked(path, sources)
            taken = {_stem(str(name)) for name in question.get("taken") or ()}
            room = max(0, MOST_PHOTOS - len(taken))
            names = [_unpack(source, folder / "photos", taken) for source in sources[:room]]
            path.unlink(missing_ok=True)
        except PhotoError as error:
            return refusal(error)
        return {"names": names, "left": max(0, len(sources) - room)}

    def cut(self, question):
        """Work on one photo.

        The question has its `name`, the `path` where it was sent unless it was worked on before or came in a
        zip, and `choices`, `edits` and `background` as the studio has them. The answer has `result`, a
        dict of the columns of results.csv; `thumbnail`, of the cutout, as a data URI; and the
        photo's `path`, for the studio.
        """
        try:
            folder = self._folder(question)
            source = self._source(folder, question)
            choices = Choices.from_json(question.get("choices") or {})
            background = question.get("background")
            own = open_photo(self._desk.photo(background)) if choices.background == "own" and background else None
            edits = {source.name: question.get("edits") or ()}
            segmenter, out = self._desk.supply.now.segmenter, folder / "results"
            *_, last = runner.run([source], segmenter, replace(choices, what="cutout"), out,
                                 edits=edits, background=own, workers=1, thumbnails=True)  # fmt: skip
        except PhotoError as error:
            return refusal(error)
        columns = {name: getattr(last.result, name) for name in runner.COLUMNS}
        with open(out / RECORDS, "a", encoding="utf-8") as records:
            records.write(json.dumps(columns) + "\n")
        return {
            "result": columns, "path": str(source.path),
            "thumbnail": _data_uri(last.result.thumbnail) if last.result.thumbnail else None,
            "problem": viewer.problem(last.result.error) if last.result.error else None,
        }  # fmt: skip

    def zip(self, question):
        """All results and their table as one file.

        The question has `names`, the photos in their order, and `errors`, a dict of the name of a photo that could
        not be sent → what the visitor was told.
        """
        try:
            out = self._folder(question) / "results"
            found, errors = _records(out), question.get("errors") or {}
            rows = []
            for name in list(question.get("names") or ())[:MOST_PHOTOS]:
                if name in found:
                    rows.append(found[name])
                elif name in errors:
                    rows.append(Result(str(name)[:200], error=str(errors[name])[:500]))
            if not any(row.cutout for row in rows):
                raise _gone("These results are")
            runner.write_table(out, rows)
            path = runner.zip_of(out, out.parent / "chairlift.zip")
        except FileNotFoundError:  # swept away meanwhile
            return refusal(_gone("These results are"))
        except PhotoError as error:
            return refusal(error)
        return {"file": told(path)}

    def forget(self, question):
        """Delete all that there is of this visitor's."""
        try:
            shutil.rmtree(self._folder(question), ignore_errors=True)
        except PhotoError as error:
            return refusal(error)
        return {}

    def _folder(self, question):
        """The visitor's folder, which is made where it is missing."""
        key = question.get("key")
        if not isinstance(key, str) or not re.fullmatch("[0-9a-f]{32}", key):
            raise PhotoError("This is not a key of a visitor's photos.")
        folder = self._desk.uploads.folder / (PREFIX + key)
        (folder / "photos").mkdir(parents=True, exist_ok=True)
        (folder / "results").mkdir(exist_ok=True)
        return folder

    def _source(self, folder, question):
        """The photo of a question, in the visitor's folder."""
        name, path = question.get("name"), question.get("path")
        if not isinstance(name, str) or not _is_safe(name):
            raise PhotoError("A photo cannot be of this name. Please give it another one.")
        place = folder / "photos" / name
        if path is not None:
            sent = self._desk.photo(path)
            if _size(folder) > MAX_TOTAL_MEGABYTES * 2**20:
                raise PhotoError(f"The results are larger than {MAX_TOTAL_MEGABYTES} MB. Please download them and begin again.")
            if sent != place.resolve():
                place.parent.mkdir(parents=True, exist_ok=True)
                os.replace(sent, place)
        elif not place.is_file():
            raise _gone("This photo is")
        return Source(name, place)


def run(desk, given, settings, edits=None, background=None, progress=lambda done, total: None):
    """What a program asks of many photos: photos and zips → one zip of results.

    Args:
        desk: Desk.
        given: list of what `Uploads.receive` takes.
        settings: what `Choices.from_json` takes.
        edits: JSON text of an object: the name of a photo → its corrections.
        background: as one of `given`, for the choice "own".
        progress: told (done, total) after each photo.

    Returns:
        Gradio's view of the zip, a dict.

    Raises:
        PhotoError: something of this is not as it should be. A photo that cannot be used is no such thing:
            the table in the zip tells of it.
    """
    choices, edits = Choices.from_json(settings), _read_edits(edits)
    own = open_photo(desk.receive(background)) if choices.background == "own" and background else None
    paths = [desk.uploads.receive(file, MAX_ZIP_MEGABYTES * 2**20) for file in given or ()]
    sources = runner.find(paths)
    if len(sources) > MOST_PHOTOS:
        raise PhotoError(f"These are {len(sources)} photos; at most {MOST_PHOTOS} are possible at once.")
    for path in paths:
        if zipfile.is_zipfile(path):
            _check_unpacked(path, sources)
    folder = desk.uploads.new_folder()
    try:
        for step in runner.run(sources, desk.supply.now.segmenter, choices, folder / "results",
                              edits=edits, background=own, workers=1):  # fmt: skip
            progress(step.done, step.total)
        return told(runner.zip_of(folder / "results", folder / "chairlift.zip"))
    finally:
        shutil.rmtree(folder / "results", ignore_errors=True)


def _read_edits(text):
    try:
        edits = json.loads(text or "{}")
    except ValueError as error:
        raise PhotoError(f"These corrections are not valid JSON: {error}") from error
    if not isinstance(edits, dict):
        raise PhotoError("The corrections of many photos are an object: the name of each photo, and its corrections.")
    return edits


def _gone(what):
    return GoneError(f"{what} no longer kept on the server. Please choose the photos again.")


def _is_safe(name):
    """Whether a name is what `runner.find` would call the photo, and leads nowhere else."""
    path = Path(name)
    return not path.is_absolute() and len(name) <= 300 and runner.safe_name(name) == name


def _check_unpacked(path, sources):
    """See that a zip is not larger than it looks."""
    members = {source.member for source in sources}
    with zipfile.ZipFile(path) as archive:
        total = sum(info.file_size for info in archive.infolist() if info.filename in members)
    if total > MAX_TOTAL_MEGABYTES * 2**20:
        raise PhotoError(f"This ZIP is larger than {MAX_TOTAL_MEGABYTES} MB when it is unpacked. Please divide it.")


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
    except PhotoError:  # it will be told of when its turn comes
        files.write(folder / name, b"")
    return name


def _records(out):
    """Name → the last Result of each photo."""
    found = {}
    try:
        lines = (out / RECORDS).read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return found
    for line in lines:
        result = Result(**json.loads(line))
        found[result.file] = result
    return found


def _size(folder):
    """How many bytes lie in a folder."""
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.lstat().st_size
        except OSError:  # it is being replaced
            continue
    return total


def _data_uri(data):
    return f"data:image/webp;base64,{base64.b64encode(data).decode()}"
