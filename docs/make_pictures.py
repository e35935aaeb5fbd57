"""Make the pictures of tutorial and README from the running program: `python docs/make_pictures.py [--minutes 2]`.

It takes the tour on the sample project with mouse and keys, in a napari window on an X server of its own (Xvfb,
xdotool), and needs the development installation, `.[all,test]`. Nothing of yours is touched: sample, settings and list
of projects are in a temporary folder.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from PIL import Image
from qtpy.QtWidgets import QApplication

DOCS = Path(__file__).resolve().parent
PICTURES = ("welcome", "case", "paint", "train", "training", "proposal", "region", "corrected", "progress", "keys")
README = "window"
SIZE = (1360, 860)  # pixels of the screen
COLOURS = 200  # in a picture, so that it is small
HEAVIEST = 200_000  # bytes

sys.path.insert(0, str(DOCS.parent / "tests"))  # before what is imported from there, whatever the linter would like
from window_hands import Window, settle, until  # noqa: E402

from napari_medssl.ui import projects  # noqa: E402


class Tutorial(Window):
    """The tour, step by step, with a picture here and there."""

    def picture(self, name: str) -> None:
        """Keep what is on the screen; steps that the tutorial does not show are left out."""
        if name not in (*PICTURES, README):
            return
        settle()
        path = self.pictures / (f"{name}.png" if name == README else f"tutorial-{name}.png")
        assert self.window.screen().grabWindow(0).save(str(path))
        with Image.open(path) as shot:
            small = shot.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
        small.save(path, optimize=True)
        assert path.stat().st_size <= HEAVIEST, f"{path} has {path.stat().st_size} bytes"
        print(path.name, path.stat().st_size, self.state.tour and self.state.tour.title, flush=True)

    def step(self, *titles: str, seconds: float = 60) -> None:
        """Wait until the tour has come to a step, or to one of several, by itself."""
        until(lambda: self.state.tour is not None and self.state.tour.title in titles, f"step {titles}", seconds)
        settle()

    def key(self, combination: str) -> None:
        """Press a key on the canvas."""
        self.hands.focus(self.window)
        self.hands.key(self.canvas, combination)

    def entry(self, menu: Any, words: str) -> None:
        """Click an entry of a menu that is open."""
        until(menu.isVisible, "the menu")
        action = next(action for action in menu.actions() if action.text() == words)
        self.hands.click(menu, menu.actionGeometry(action).center())


def take(folder: Path, pictures: Path, minutes: str) -> None:
    """Take the whole tour."""
    there = Tutorial(folder, pictures)
    there.window.setGeometry(0, 0, *SIZE)
    there.menu("Plugins", "MedSSL")
    (there.widget,) = until(there.docks, "the dock")
    hands, dock = there.hands, there.widget
    head, page = dock.header, dock.train_page
    until(lambda: dock.welcome.offer.isVisible(), "the offer of a tour")
    there.picture("welcome")

    dock.welcome.tour.emit()
    there.step("Open the sample project")
    hands.click(dock.welcome.sample)
    there.step("Open a case", seconds=240)
    there.open_case("abdomen-05")
    there.step("Choose a structure and paint")
    there.picture("case")

    hands.click(head.verbs["Label"])
    hands.click(dock.label_page._classes.button(2))
    there.paint((0.42, 0.5), 0.5)
    there.step("It is kept")
    until(lambda: there.state.actions.save_text == "Draft saved", "the draft saved")
    there.picture("paint")
    hands.click(dock.tour.skip)
    there.step("Train for 2 minutes")

    hands.click(head.verbs["Train"])
    hands.click(page.minutes)
    hands.key(page.minutes, "ctrl+a")
    hands.write(page.minutes, "2")
    hands.key(page.minutes, "Tab")
    there.picture("train")
    page.minutes.setValue(float(minutes))
    hands.click(page.start)
    there.step("Meanwhile: what doubt means", "Look at a proposal")
    until(lambda: len(there.state.run.loss) > 20 or not there.state.run.under_way, "a curve", 240)
    there.picture("training")
    there.step("Look at a proposal", seconds=1200)

    hands.click(head.verbs["Next"])
    there.step("Go to a doubtful region")
    hands.click(head.verbs["Review"])
    there.key("alt+u")
    there.picture("proposal")
    until(lambda: there.state.review.lines, "the list of regions")
    there.key("alt+n")
    there.step("Decide about the region")
    there.picture("region")
    there.key("alt+y")
    there.step("Correct the rest")
    there.key("alt+e")
    there.step("Accept, and go on")
    there.key("alt+u")
    there.picture("corrected")
    there.key("alt+d")
    there.step("See how the work goes on")

    hands.click(head.open)
    there.entry(head.open.menu(), "Progress …")
    there.step("Where the help is")
    until(lambda: dock.progress.is_open, "the pictures of progress")
    settle()
    there.picture("progress")
    hands.click(head.question)
    there.entry(head.help, "Keys")
    until(lambda: there.state.tour is None, "the end of the tour")
    card = until(
        lambda: [w for w in QApplication.topLevelWidgets() if w.windowTitle() == "Keys" and w.isVisible()], "the card"
    )[0]
    there.picture("keys")
    card.close()

    dock.progress.close()
    hands.click(head.verbs["Next"])
    until(lambda: there.state.review.lines, "the list of regions of the next case")
    hands.click(head.verbs["Review"])
    there.key("alt+u")
    there.key("alt+n")
    there.picture(README)
    there.viewer.close()


def main() -> int:
    """Start an X server and this program in it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", default="2", help="of training")
    parser.add_argument("--to", type=Path, default=DOCS / "images", help="where the pictures go")
    parser.add_argument("--cases", type=int, default=projects.SAMPLE_CASES, help="of the sample")
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)  # inside: where the sample is to be
    arguments = parser.parse_args()
    if arguments.folder is not None:
        projects.SAMPLE_CASES = arguments.cases
        take(arguments.folder, arguments.to, arguments.minutes)
        return 0
    read, write = os.pipe()
    size = "x".join(map(str, (*SIZE, 24)))
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(write), "-screen", "0", size, "-nolisten", "tcp"],
        pass_fds=[write],
        stderr=subprocess.DEVNULL,
    )
    os.close(write)
    try:
        with os.fdopen(read) as pipe, tempfile.TemporaryDirectory(prefix="medssl-pictures-") as folder:
            env = os.environ | {
                "DISPLAY": f":{pipe.readline().strip()}",
                "QT_QPA_PLATFORM": "xcb",
                "LIBGL_ALWAYS_SOFTWARE": "1",
                "MEDSSL_SAMPLE": f"{folder}/sample",
                "XDG_DATA_HOME": folder,
                "NAPARI_CONFIG": f"{folder}/settings.yaml",
                "LOGNAME": "you",
            }
            command = [sys.executable, __file__, *sys.argv[1:], "--folder", f"{folder}/sample"]
            return subprocess.run(command, env=env, check=False).returncode
    finally:
        server.terminate()
        server.wait()


if __name__ == "__main__":
    sys.exit(main())
