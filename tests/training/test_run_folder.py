"""One run, one folder: two processes never write into the same one."""

import multiprocessing
import os
import signal

import pytest

import train
from segmenter.errors import RunError
from segmenter.training import run_folder


def test_a_second_process_is_told_which_folder_is_taken(tmp_path):
    out = tmp_path / "out"
    with run_folder.hold(out):
        with pytest.raises(RunError, match=f"another process is training into {out} at this moment"):
            with run_folder.hold(out):
                pass
        with pytest.raises(RunError, match="choose another --out"):
            run_folder.check_free(out)
    run_folder.check_free(out)
    with run_folder.hold(out):
        pass


def test_the_command_line_says_so_before_it_looks_at_any_photo(tmp_path, capsys):
    out = tmp_path / "out"
    with run_folder.hold(out):
        assert train.main(["--data", "nowhere", "--start", "scratch", "--out", str(out)]) == 1
    message = capsys.readouterr().err
    assert str(out) in message and "another process" in message and "Traceback" not in message


def _hold_for_ever(out, held):
    with run_folder.hold(out):
        held.set()
        signal.pause()


def test_a_process_that_is_killed_lets_go(tmp_path):
    context = multiprocessing.get_context("spawn")
    held = context.Event()
    process = context.Process(target=_hold_for_ever, args=(tmp_path / "out", held))
    process.start()
    assert held.wait(120)
    with pytest.raises(RunError):
        run_folder.check_free(tmp_path / "out")
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    run_folder.check_free(tmp_path / "out")


def test_what_a_killed_run_was_writing_is_swept_away_by_the_next(tmp_path):
    out = tmp_path / "out"
    run_folder.unfinished(out).mkdir()
    (run_folder.unfinished(out) / ".0123456789abcdef.part").write_bytes(b"half a checkpoint")
    (run_folder.unfinished(out) / "state.npz").write_bytes(b"a whole one")
    with run_folder.hold(out):
        names = {path.name for path in run_folder.unfinished(out).iterdir()}
    assert names == {"state.npz", run_folder.LOCK}


def test_an_earlier_result_is_not_put_back_while_it_is_being_replaced(tmp_path):
    out = tmp_path / "out"
    (run_folder.unfinished(out) / "replaced").mkdir(parents=True)
    with run_folder.hold(out), pytest.raises(RunError, match="another process"):
        run_folder.mend(out)
    run_folder.mend(out)
    assert out.is_dir()
