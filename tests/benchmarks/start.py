"""How long the page takes to be up, and how much memory it has when idle, beside a bare page of Gradio's.

    python -m tests.benchmarks.start [--rounds 3]

The bare page is `gr.Blocks` with one `gr.Image`. Each is served by processes of its own, in turns, so that a busy
machine slows both. Printed, as JSON: seconds from the start of the process to the first answer of 200 to `GET /`, and
how many of them the processor worked (of both, those of the best round); megabytes of the process some seconds later;
the ratio of the first, of the second, and the difference of the third.
"""

import argparse
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 120.0  # seconds for a page to be up
SETTLED = 5.0  # seconds after which a page counts as idle
LOOK = 0.02  # seconds between two questions
BARE = (
    "import gradio as gr\n"
    "with gr.Blocks() as page:\n"
    "    gr.Image()\n"
    "page.launch(server_name='127.0.0.1', server_port={port}, ssr_mode=False)\n"
)
OURS = "import app; app.main(['--host', '127.0.0.1', '--port', '{port}'])"
PROGRAMS = {"bare": BARE, "chairlift": OURS}


def free_port() -> int:
    """A port that nobody listens at."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def measure(program: str) -> dict[str, float]:
    """One start of a page: `seconds`, `processor_seconds`, `megabytes`."""
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "GRADIO_ANALYTICS_ENABLED": "False", "GRADIO_TEMP_DIR": folder}
        command = [sys.executable, "-c", PROGRAMS[program].format(port=port)]
        began = time.monotonic()
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL)
        try:
            seconds = _until_up(process, port, began)
            worked = processor_seconds(process.pid)
            time.sleep(SETTLED)
            return {"seconds": seconds, "processor_seconds": worked, "megabytes": megabytes(process.pid)}
        finally:
            process.terminate()
            process.wait()


def _until_up(process, port, began):
    while time.monotonic() - began < PATIENCE and process.poll() is None:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=PATIENCE) as answer:
                if answer.status == 200:
                    return round(time.monotonic() - began, 3)
        except (urllib.error.URLError, ConnectionError):
            time.sleep(LOOK)
    raise OSError("the page does not answer")


def processor_seconds(process: int) -> float:
    """What the processor has worked for a process so far, in seconds."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return round((int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK"), 2)


def megabytes(process: int | str) -> float:
    """The memory of a process, by its number or "self", that is in use now."""
    pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
    return round(pages * os.sysconf("SC_PAGE_SIZE") / 2**20, 1)


def compare(rounds: int) -> dict:
    """Both in turns."""
    runs = {program: [] for program in PROGRAMS}
    for _ in range(rounds):
        for program, found in runs.items():
            found.append(measure(program))
    best = {program: {key: min(run[key] for run in found) for key in found[0]} for program, found in runs.items()}
    bare, ours = best["bare"], best["chairlift"]
    return {
        "rounds": rounds,
        **best,
        "seconds_ratio": round(ours["seconds"] / bare["seconds"], 2),
        "processor_seconds_ratio": round(ours["processor_seconds"] / bare["processor_seconds"], 2),
        "megabytes_more": round(ours["megabytes"] - bare["megabytes"], 1),
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=3)
    print(json.dumps(compare(parser.parse_args().rounds), indent=2))
