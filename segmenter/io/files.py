"""Files that are written whole or not at all, and zips that are the same for the same content."""

import io
import os
import tempfile
import zipfile
from contextlib import contextmanager
from pathlib import Path


def zipped(files):
    """A zip of name → bytes. The same files give the same bytes: no dates, and nothing of this machine."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for name, data in files.items():
            archive.writestr(entry(name), data)
    return file.getvalue()


def entry(name):
    """A zip's entry for a plain file that everybody may read."""
    info = zipfile.ZipInfo(name)  # of 1980, the format's first day
    info.create_system, info.external_attr = 3, 0o644 << 16
    return info


@contextmanager
def replacing(path):
    """A binary file that takes its place at `path` when all of it is written, and leaves nothing otherwise."""
    path = Path(path)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def write(path, data):
    """Write bytes to a file, replacing what was there only once all is written."""
    with replacing(path) as file:
        file.write(data)
