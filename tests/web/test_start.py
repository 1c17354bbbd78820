"""What keeps the page from starting is said in a sentence."""

import socket
import tempfile

import pytest

import app
from segmenter.errors import WeightsError
from tests.standin import RedSegmenter


@pytest.fixture(autouse=True)
def surroundings(monkeypatch, tmp_path):
    monkeypatch.setattr(app, "open_weights", lambda place: RedSegmenter())
    monkeypatch.setenv("TMPDIR", tempfile.gettempdir())  # set for all of the process by what is tested
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "uploads"))


def refusal(capsys, *arguments):
    with pytest.raises(SystemExit) as ended:
        app.main(arguments)
    assert ended.value.code == 2
    return capsys.readouterr().err


def test_a_port_that_is_taken(capsys):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        said = refusal(capsys, "--host", "127.0.0.1", "--port", str(taken.getsockname()[1]))
    assert "cannot be served there" in said and "port" in said


def test_a_temporary_folder_that_cannot_be_written(capsys, monkeypatch, tmp_path):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "file" / "uploads"))
    assert "GRADIO_TEMP_DIR" in refusal(capsys)


def test_weights_that_are_refused(capsys, monkeypatch):
    def refuse(place):
        raise WeightsError("the threshold in config.json is no number from 0 to 1")

    monkeypatch.setattr(app, "open_weights", refuse)
    assert "threshold" in refusal(capsys)


def test_temporary_files_lie_where_they_are_swept_away(monkeypatch, tmp_path):
    class Page:
        def launch(self, **options):
            assert tempfile.gettempdir() == str(tmp_path / "uploads")

    monkeypatch.setattr(app, "build_page", lambda weights: Page())
    app.main([])
    assert tempfile.tempdir == str(tmp_path / "uploads")
