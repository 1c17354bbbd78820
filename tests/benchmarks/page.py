"""How long the page keeps a hand waiting, in a real Chromium and over loopback.

    python -m tests.benchmarks.page [--photos 8] [--json FILE]

A server of its own serves the default weights. Printed as JSON, milliseconds and frames a second:

- `photo`: from choosing a photo of 2 megapixels until its heatmap has been drawn for the first time;
- `first_click`, `click`: from letting go of the mouse button on a piece until the piece has been drawn, for the first
  click on a photo and for later ones, each at another place;
- `slider`, `brush`: while the threshold or a brush moves in every frame, on a photo of 1280 × 960; again with the
  page's processor slowed down (`slowed`). `every` is the time from one drawn frame to the next, `work` what the
  script takes of it.

Chromium draws by processor here, so the server and the drawing share the machine's cores.
"""

import argparse
import io
import json
from pathlib import Path

import numpy as np
from PIL import Image
from playwright.sync_api import sync_playwright

from tests.browser.conftest import ARGUMENTS, Visitor, chromium_path
from tests.visitor import Server

EXAMPLE = Path(__file__).resolve().parents[2] / "segmenter/data/examples/images/04_two_chairs_at_table.jpg"
SIDES = {"photo": (1640, 1230), "moved": (1280, 960)}  # of the photos, in pixels
CLICKS = [(0.30, 0.60), (0.70, 0.60), (0.50, 0.55), (0.28, 0.50), (0.72, 0.50), (0.45, 0.60)]
SLOWED = 4  # times
SECONDS = 3  # of moving

# Notes in `window.probe` when a canvas was drawn on: `drawn`, name → end of the frame that shows it, for the latest
# drawing; `frames`, [begin, end of the script's work, end of the frame] of each frame in which something was drawn.
PROBE = """(() => {
  const probe = window.probe = { drawn: {}, frames: [], since: {} };
  const channel = new MessageChannel(), ask = window.requestAnimationFrame.bind(window);
  let began = null, names = null;
  channel.port1.onmessage = ({ data }) => {
    const end = performance.now();
    for (const name of data.names) probe.drawn[name] ??= end;
    probe.frames.push([data.began, data.worked, end]);
  };
  window.requestAnimationFrame = (callback) => ask((time) => {
    began ??= performance.now();
    callback(time);
    ending();
  });
  let isEnding = false;
  const ending = () => { // of the work of all callbacks of this frame
    if (isEnding) return;
    isEnding = true;
    queueMicrotask(() => {
      isEnding = false;
      if (names) channel.port2.postMessage({ names: [...names], began, worked: performance.now() });
      began = names = null;
    });
  };
  const note = ({ className }) => {
    if (!className) return;
    if (began === null) ask(() => { began = performance.now(); note({ className }); ending(); });
    else (names ??= new Set()).add(className);
  };
  const { prototype } = CanvasRenderingContext2D;
  for (const name of ['putImageData', 'stroke', 'drawImage']) {
    const plain = prototype[name];
    prototype[name] = function draw(...given) { plain.apply(this, given); note(this.canvas); };
  }
  document.addEventListener('change', ({ target }) => { if (target.matches('.file')) probe.since.photo = performance.now(); }, true);
  document.addEventListener('pointerup', ({ timeStamp }) => { probe.since.click = timeStamp; }, true);
})()"""

# Moves something in every frame for some time: the frames in which something was drawn.
MOVE = """([what, seconds]) => new Promise((done) => {
  const slider = document.querySelector('#chairlift-threshold'), easel = document.querySelector('.easel');
  const box = easel.getBoundingClientRect(), until = performance.now() + 1000 * seconds;
  probe.frames.length = 0;
  let turn = 0;
  const step = () => {
    if (performance.now() > until) return done(probe.frames);
    turn++;
    if (what === 'slider') {
      slider.value = 20 + Math.abs(((2 * turn) % 120) - 60); // another one in every frame
      slider.dispatchEvent(new Event('input', { bubbles: true }));
    } else {
      const clientX = box.left + box.width * (0.5 + 0.3 * Math.sin(turn / 20));
      const clientY = box.top + box.height * (0.5 + 0.3 * Math.sin(turn / 13));
      easel.dispatchEvent(new PointerEvent('pointermove', { bubbles: true, pointerId: 1, isPrimary: true, buttons: 1, clientX, clientY }));
    }
    setTimeout(() => requestAnimationFrame(step), 0); // before what the page asks for the same frame
  };
  requestAnimationFrame(step);
})"""


def photo_of(sides, seed):
    """The bytes of a JPEG of an example in a given size, with grain, so that each seed gives another photo."""
    whole = np.asarray(Image.open(EXAMPLE).convert("RGB").resize(sides, Image.Resampling.BICUBIC), np.float32)
    grain = np.random.default_rng(seed).normal(0, 3, whole.shape[:2]).astype(np.float32)
    file = io.BytesIO()
    Image.fromarray(np.clip(whole + grain[..., None], 0, 255).astype(np.uint8)).save(file, "JPEG", quality=92)
    return file.getvalue()


def drawn_after(visitor, what):
    """Milliseconds from what is noted as `what` until the heatmap has been drawn."""
    return visitor.tab.evaluate(
        """what => new Promise((done) => {
            const look = () => (probe.drawn.heat ? done(probe.drawn.heat - probe.since[what]) : setTimeout(look, 20));
            look();
        })""",
        what,
    )


def forget(visitor):
    visitor.settle()
    visitor.tab.wait_for_timeout(500)
    visitor.tab.evaluate("() => { probe.drawn = {}; }")


def wait_for_photo(visitor, seed):
    """Choose a photo: milliseconds until its heatmap is drawn."""
    forget(visitor)
    visitor.give(f"{seed}.jpg", photo_of(SIDES["photo"], seed))
    return drawn_after(visitor, "photo")


def wait_for_click(visitor, place):
    """Click on the photo: milliseconds until the piece is drawn."""
    forget(visitor)
    box = visitor.tab.locator(".picking").bounding_box()
    visitor.tab.mouse.click(box["x"] + place[0] * box["width"], box["y"] + place[1] * box["height"])
    waited = drawn_after(visitor, "click")
    visitor.tab.mouse.move(2, 2)
    return waited


def wait(visitor, photos):
    """Milliseconds of each wait: dict of `photo`, `first_click` and `click`."""
    found = {"photo": [], "first_click": [], "click": []}
    wait_for_photo(visitor, photos)  # what is made once is there then
    wait_for_click(visitor, CLICKS[-1])
    for seed in range(photos):
        found["photo"].append(wait_for_photo(visitor, seed))
        visitor.ready()
        for number, place in enumerate(CLICKS[:-1]):
            found["click" if number else "first_click"].append(wait_for_click(visitor, place))
    return found


def move(visitor, what, slowed):
    """What is drawn while the slider or the brush moves, as `in_short` has it."""
    session = visitor.tab.context.new_cdp_session(visitor.tab)
    box = visitor.tab.locator(".frame").bounding_box()
    if what == "brush":
        visitor.tab.click("button.correct")
        visitor.tab.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        visitor.tab.mouse.down()
    session.send("Emulation.setCPUThrottlingRate", {"rate": SLOWED if slowed else 1})
    frames = visitor.tab.evaluate(MOVE, [what, SECONDS])
    session.send("Emulation.setCPUThrottlingRate", {"rate": 1})
    if what == "brush":
        visitor.tab.mouse.up()
        visitor.tab.click(".done")
        visitor.tab.keyboard.press("Control+z")
    visitor.settle()
    begun = np.array([began for began, _, _ in frames])
    return {
        "frames_per_second": round(float((len(begun) - 1) / (begun[-1] - begun[0]) * 1000), 1),
        "every": in_short(np.diff(begun)),
        "work": in_short([worked - began for began, worked, _ in frames]),
    }


def in_short(milliseconds):
    """Median and 95th percentile."""
    return {
        "median": round(float(np.median(milliseconds)), 1),
        "p95": round(float(np.percentile(milliseconds, 95)), 1),
    }


def measure(photos):
    """All figures as plain JSON."""
    with Server() as server, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path(), args=ARGUMENTS)
        context = browser.new_context(viewport={"width": 1280, "height": 960})
        context.add_init_script(PROBE)
        visitor = Visitor(context, server.address).open()
        found = {name: in_short(waits) for name, waits in wait(visitor, photos).items()}
        visitor.show("moved.jpg", photo_of(SIDES["moved"], 0))
        for what in ("slider", "brush"):
            found[what] = move(visitor, what, slowed=False)
            found[what]["slowed"] = move(visitor, what, slowed=True)
        browser.close()
    return {"photos": photos, **found}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=int, default=8)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    text = json.dumps(measure(options.photos), indent=1) + "\n"
    if options.json:
        options.json.write_text(text, encoding="utf-8")
    print(text, end="")


if __name__ == "__main__":
    main()
