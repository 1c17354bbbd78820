"""A page's handlers on a folder of their own, and one visitor."""

import uuid

import pytest

from segmenter.web.batch_handlers import BatchHandlers
from segmenter.web.handlers import Handlers
from segmenter.web.uploads import Uploads
from tests.standin import RedSegmenter


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "uploads"
    folder.mkdir()
    return folder


@pytest.fixture
def handlers(folder):
    return Handlers(RedSegmenter(), Uploads(lambda: folder))


@pytest.fixture
def ask(handlers):
    """Ask a question as one visitor: the name of the question, and what it says."""
    key, visitor = uuid.uuid4().hex, BatchHandlers(handlers)
    return lambda question, **said: getattr(visitor, question)({"key": key, **said})


@pytest.fixture
def send(folder):
    """Send a file; its path."""

    def send(data, name="chair.jpg"):
        path = folder / uuid.uuid4().hex / name
        path.parent.mkdir()
        path.write_bytes(data)
        return str(path)

    return send
