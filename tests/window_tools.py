"""Every labelling tool once in a real window, with mouse and keys; run by `test_window_tools.py`.

Usage: window_tools.py FOLDER PICTURES

FOLDER holds a project with one case, half done, a proposal of it, and `truth.npy`: its structures as shown.
"""

from __future__ import annotations

import itertools
import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from qtpy.QtCore import QPoint
from qtpy.QtWidgets import QComboBox, QWidget
from window_day import Day
from window_hands import settle, until
from window_tools_checks import UNSEEN, Array, Check, Checks, same
from window_viewing import Room

from napari_medssl.ui.compat import camera

ROOM = 20  # voxels round what is drawn that references are computed in


class Bench(Day, Room, Checks):
    """A case that is half done, and what a person does with each tool."""

    def begin(self) -> None:
        """Open the case, keep what is said, lock structure 2."""
        super().begin()
        self.truth = np.load(self.folder.parent / "truth.npy")
        self.said: list[str] = []
        self.seconds: dict[str, float] = {}
        board = self.widget.session.board
        say = board.say
        board.say = lambda level, words: (self.said.append(words), say(level, words))
        page = self.widget.label_page
        self.turn_to("Label")
        self.take(2)
        self.scroll_to(page.lock)
        self.hands.click(page.lock, QPoint(12, page.lock.height() // 2))
        until(lambda: self.widget.layers.gate.locked == {2}, "structure 2 locked")
        self.take(1)
        self.to_middle()
        self.fold = page.tools.fold
        self.scroll_to(self.fold)
        self.hands.click(self.fold)
        assert page.tools.tools.isVisible()
        self.first = self.now()
        self.box = tuple(
            slice(max(0, int(at.min()) - ROOM), int(at.max()) + ROOM + 1)
            for at in np.nonzero(np.isin(self.first, (1, 3)))
        )
        self.is_large = self.first.size > 1e7
        self.image = self.widget.layers.at_hand().channels[0]
        self.mm = self.widget.layers.display().scale

    # --- what one looks at

    def now(self) -> Array:
        """The labels as they are; a copy."""
        return np.array(self.labels.data)

    def to_middle(self) -> None:
        """The slice with the thorn, close up."""
        mine = np.flatnonzero((self.labels.data == 1).any(axis=(1, 2)))
        self.middle = next(int(a) for a, b in itertools.pairwise(mine) if b - a > 1)
        self.widget.layers.viewer.dims.set_current_step(0, self.middle)
        rows, columns = np.nonzero(self.labels.data[self.middle] == 1)
        world = self.labels.data_to_world((self.middle, rows.mean(), columns.mean()))
        size = max(np.ptp(rows) * self.labels.scale[1], np.ptp(columns) * self.labels.scale[2], 1)
        camera(self.viewer).center = tuple(world)
        camera(self.viewer).zoom = 0.45 * min(self.canvas.height(), self.canvas.width()) / size
        settle()

    # --- what one does

    def take(self, value: int) -> None:
        """A structure's button, wherever the page was scrolled to; the keyboard is napari's then."""
        self.scroll_to(self.widget.label_page._classes.button(value))
        super().take(value)

    def step_to(self, more: int) -> None:
        """So many slices from the middle one, by the arrow keys."""
        self.take(1)
        self.to_plane(self.middle + more)

    def pick(self, combo: QComboBox, data: Any) -> None:
        """Choose an entry of a drop-down with the mouse."""
        if combo.currentData() == data or combo.currentText() == data:
            return
        row = max(combo.findData(data), combo.findText(str(data)))
        self.scroll_to(combo)
        self.hands.click(combo, QPoint(combo.width() // 3, combo.height() // 2))
        view = until(lambda: combo.view() if combo.view().isVisible() else None, f"the list with {data}")
        index = combo.model().index(row, 0)
        view.scrollTo(index)
        settle()
        self.hands.click(view.viewport(), view.visualRect(index).center())
        until(lambda: data in (combo.currentData(), combo.currentText()), f"{data} chosen")

    def type(self, box: QWidget, words: str) -> None:
        """Write a number into a box."""
        self.scroll_to(box)
        self.hands.click(box, QPoint(box.width() // 3, box.height() // 2))
        self.hands.key(box, "ctrl+a")
        self.hands.write(box, words)
        self.hands.key(box, "Tab")

    def tick(self, box: QWidget) -> None:
        """Click on a check box."""
        self.scroll_to(box)
        self.hands.click(box, QPoint(10, box.height() // 2))

    def set_up(self, tool: str, where: str = "", depth: int | None = None, **options: Any) -> None:
        """Choose a tool, its options and its place."""
        page = self.widget.label_page.tools
        self.pick(page.tools, tool)
        for name, value in options.items():
            control = page._forms[tool]._widgets[name].native
            if isinstance(value, bool):
                self.tick(control)
            elif isinstance(value, str):
                self.pick(control, value)
            else:
                self.type(control, f"{value:g}")
        if where:
            self.pick(page.where, where)
        if depth is not None:
            self.type(page.depth, str(depth))
        told = page._forms[tool].value()
        assert all(told.get(name, value) == value for name, value in options.items()), (tool, told)

    def apply(self, by_key: bool) -> str:
        """Use the tool that is chosen; what was said."""
        page, heard = self.widget.label_page.tools, len(self.said)
        if by_key:
            self.hands.key(self.canvas, "ctrl+alt+a")
        else:
            self.scroll_to(page.start)
            self.hands.click(page.start)
        until(lambda: len(self.said) > heard and not self.state.tools.facts.running, "the tool's word")
        assert self.state.message[1] == self.said[-1]
        assert self.widget.header._words.isVisible()
        assert self.widget.header._words.text() == self.said[-1]
        return self.said[-1]

    def undo(self, to: Array, what: str) -> None:
        """One Ctrl+Z brings back exactly what was there."""
        self.hands.key(self.canvas, "ctrl+z")
        same(self.labels.data, to, what)

    def kept(self, before: Array, after: Array, what: str, *, unasked: bool = True) -> None:
        """Locked and other structures stayed; nothing became background that nobody had looked at."""
        changed = before != after
        assert changed.any(), f"{what}: nothing changed ({self.said[-1:]})"
        assert not np.isin(before[changed], (2, 3)).any(), f"{what}: other structures changed"
        assert not np.isin(after[changed], (2, 3)).any(), f"{what}: drew another structure"
        if unasked:
            assert not ((before == UNSEEN) & (after == 0)).any(), f"{what}: background unasked"

    def tool(self, name: str, check: Check, where: str = "", depth: int | None = None, **options: Any) -> str:
        """Use a tool, look at what it did, take it back; what it said."""
        self.set_up(name, where, depth, **options)
        before = self.now()
        begin = time.perf_counter()
        words = self.apply(by_key=len(self.seconds) % 2 == 1)
        self.seconds[name] = round(time.perf_counter() - begin, 2)
        after = self.now()
        self.picture(name)
        print(name, self.seconds[name], words, int((before != after).sum()), flush=True)
        self.kept(before, after, name)
        check(before, after)
        self.undo(before, name)
        return words

    # --- drawing, and what was looked at

    def draw_within(self) -> None:
        """A stroke with a range changes only what is in it; outside it one is told why nothing was drawn."""
        within, before = self.widget.label_page.within, self.now()
        plane = self.image[self.middle]
        inside = plane[before[self.middle] == 1]
        low, high = (float(np.percentile(inside, share)) for share in (10, 90))
        self.type(within.low, f"{low:.5g}")
        self.type(within.high, f"{high:.5g}")
        self.tick(within.on)
        until(lambda: self.state.tools.facts.within is not None, "the range")
        low, high = self.state.tools.facts.within
        self.take(1)
        self.hands.key(self.canvas, "2")
        assert self.labels.mode == "paint", self.labels.mode
        self.paint((0.2, 0.8), 0.5)
        after = self.now()
        self.picture("within")
        self.kept_by_brush(before, after)
        changed = before != after
        values = self.image[changed]
        assert changed.any()
        assert (values >= low).all()
        assert (values <= high).all()
        assert ((plane < low) | (plane > high)).any()
        self.undo(before, "within")
        self.type(within.low, "20000")
        self.type(within.high, "30000")
        until(lambda: self.state.tools.facts.within == (20000, 30000), "another range, from low to high")
        self.take(1)
        heard = len(self.said)
        self.paint((0.2, 0.8), 0.5)
        until(lambda: any("Nothing was drawn" in words for words in self.said[heard:]), "why nothing was drawn")
        self.picture("within-nothing")
        same(self.labels.data, before)
        self.tick(within.on)
        until(lambda: self.state.tools.facts.within is None, "no range")
        self.hands.key(self.canvas, "1")

    def kept_by_brush(self, before: Array, after: Array) -> None:
        """The brush overwrites what is not locked."""
        assert not (before[before != after] == 2).any()
        assert (after[before != after] == 1).all()

    def mark_looked(self) -> None:
        """Slice and box were looked at; one Ctrl+Z each; and taken back."""
        looked, first = self.widget.label_page.looked, self.now()
        for where in ("slice", "view", "region"):
            if where == "region":
                self.take(1)
                self.hands.key(self.canvas, "alt+n")
                until(lambda: self.state.tools.has_region, "a region")
                self.turn_to("Label")
            self.pick(looked.where, where)
            self.scroll_to(looked.looked)
            self.hands.click(looked.looked)
            after = self.now()
            self.picture(f"looked-{where}")
            changed = first != after
            assert (first[changed] == UNSEEN).all()
            assert (after[changed] == 0).all()
            box = {
                "slice": self.widget.layers.at_hand().slice_box(),
                "view": self.widget.layers.at_hand().view,
                "region": self.widget.session.review.region_box(),
            }[where]
            expected = np.zeros(first.shape, bool)
            expected[box] = first[box] == UNSEEN
            assert expected.any(), where
            np.testing.assert_array_equal(changed, expected)
            self.scroll_to(looked.back)  # what is said above may have moved it
            self.hands.click(looked.back)
            same(self.labels.data, first, "taken back")
            self.undo(after, f"looked at {where}: what was taken back")
            self.undo(first, f"looked at {where}")

    def stop_a_long_one(self) -> None:
        """Growing through the whole scan shows how far it is, is stopped, and nothing was changed."""
        page, before = self.widget.label_page.tools, self.now()
        self.set_up("grow_from_seeds", "scan", reach=200)
        self.scroll_to(page.start)
        self.hands.click(page.start)
        assert self.state.tools.facts.running == "Grow from seeds"
        until(lambda: page.bar.isVisible() and page.bar.value() > 0, "how far it is")
        self.picture("at-work")
        assert self.state.tools.facts.running, "still at work"
        heard = len(self.said)
        self.scroll_to(page.cancel)
        self.hands.click(page.cancel)
        assert not self.state.tools.facts.running
        assert "stopped" in self.said[heard]
        assert not page.cancel.isVisible()
        self.picture("stopped")
        same(self.labels.data, before)
        self.set_up("grow_from_seeds", "scan", reach=20)


def go(folder: Path, pictures: Path) -> dict[str, Any]:
    """All tools."""
    there = Bench(folder, pictures)
    begin = time.perf_counter()
    there.begin()
    opened = time.perf_counter() - begin
    there.step_to(1)
    words = {
        "fill_between": there.tool("fill_between", there.filled),
        "copy_slice": there.tool("copy_slice", there.copied),
        "grow_from_seeds": there.tool("grow_from_seeds", there.grown_from_seeds, "scan"),
    }
    there.step_to(0)
    reach, wide, thin = (there.at_least(mm) for mm in (2.0, 2.5, 1.5))
    small = max(100.0, round(3.5 * float(np.prod(there.mm)), 1))
    words["snap"] = there.tool("snap", there.near_border(reach), "view", depth=2, reach=reach)
    words["threshold"] = there.tool("threshold", there.thresholded, "view", depth=1)
    words["smooth"] = there.tool("smooth", there.smoothed, mm=thin)
    words["grow"] = there.tool("grow", there.grown(wide), mm=wide)
    words["shrink"] = there.tool("shrink", there.shrunk(thin), mm=thin)
    words["keep_largest"] = there.tool("keep_largest", there.largest)
    words["remove_islands"] = there.tool("remove_islands", there.islands(small), smallest=small)
    words["fill_holes"] = there.tool("fill_holes", there.without_holes)
    there.draw_within()
    there.mark_looked()
    if there.is_large:
        there.stop_a_long_one()
    same(there.labels.data, there.first)
    there.viewer.close()
    return {"words": words, "seconds": there.seconds, "opened": opened, "all": time.perf_counter() - begin}


if __name__ == "__main__":
    print(json.dumps(go(Path(sys.argv[1]), Path(sys.argv[2]))))
