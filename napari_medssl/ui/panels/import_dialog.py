"""Labels made elsewhere: which files, what would come of them, and what a person has to say about them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from qtpy.QtCore import Qt, QTimer
from qtpy.QtWidgets import (
    QDialog,
    QFileDialog,
    QHBoxLayout,
    QProgressBar,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from ...plain import listed
from ...project import LabelPlan
from ..checkwork import Checking
from ..facts import ClassFacts
from ..importview import case_lines, left_lines, plan_words
from ..importwork import Wanted
from .parts import answers, button, checkbox, enable, named, plain, scrolling, show_text, text
from .value_table import ValueTable

MOST_HIGH = 150  # pixels of the table of values
LOOK = 100  # ms between looks at the progress
KINDS = "Labels (*.nii *.nii.gz *.hdr *.png *.tif *.tiff)"
NAME, DETAILS = Qt.ItemDataRole.UserRole, Qt.ItemDataRole.UserRole + 1

#: finds out what an import would do: what is wanted, whom to tell the plan, and an error
Plan = Callable[[Wanted, Callable[[LabelPlan], None], Callable[[Exception], None]], Checking | None]


class ImportLabelsDialog(QDialog):
    """Accepted with `plan` and the cases `chosen()`.

    Parameters
    ----------
    paths : sequence of Path
        What was dropped; empty: a person is to choose.
    """

    def __init__(
        self, paths: Sequence[Path], start: Plan, classes: Sequence[ClassFacts], parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle("Import labels")
        self.resize(760, 640)
        self._start, self._classes = start, classes
        self._paths, self._now = tuple(paths), Checking()
        self._strange: tuple[str, ...] = ()
        self.plan: LabelPlan | None = None
        self.files = button("Choose files …", "Masks made elsewhere.", self._ask_files)
        self.folder = button("Choose a folder …", "All masks in a folder, and in those below it.", self._ask_folder)
        self.bar = named(QProgressBar(), "Reading", "How far the files are read.")
        self.bar.setTextVisible(False)
        self.words = text()
        self.list = named(QTreeWidget(), "What would be imported", "Tick the cases that are to get these labels.")
        self.list.setHeaderLabels(["Case", "Has now", "Would get", "File"])
        self.list.setUniformRowHeights(True)
        self.list.setMinimumHeight(110)
        for column, width in enumerate((200, 80, 250)):
            self.list.setColumnWidth(column, width)
        self.list.currentItemChanged.connect(lambda item, _: self._tell(item))
        self.list.itemChanged.connect(lambda *_: self._able())
        self.details = text()
        self.details.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.details.setMinimumHeight(4 * self.details.fontMetrics().lineSpacing())
        self.over = checkbox(
            "Also for cases that have labels",
            "They get a new revision of their labels. The one before stays in the case's history: nothing is lost.",
        )
        self.over.toggled.connect(self._tick_labelled)
        self.replace = checkbox(
            "What the files do not show becomes background",
            "Otherwise structures that the files do not speak of stay as they were drawn.",
        )
        self.bring = checkbox(
            "Bring over labels that are stored turned, mirrored or for a part of their scan",
            "Each voxel comes to its place in the patient; nothing is interpolated or mirrored.",
        )
        self.without = checkbox(
            "Leave out files of structures that this project does not have",
            "Other files of the same cases are then imported.",
        )
        for box in (self.replace, self.bring, self.without):
            box.toggled.connect(lambda _: self._look())
        unknown = (
            "Values that are no structure of this project. What are they? A new structure is added under Structures."
        )
        self.values = ValueTable(classes, unknown, "unknown: leave these files out")
        self.values.changed.connect(self._look)
        self._values = scrolling(self.values)  # an atlas has many: the list of cases has to stay in sight
        self._values.setMaximumHeight(MOST_HIGH)
        box, self.ok = answers(
            self, ("Import", "Save the labels of the ticked cases."), ("Cancel", "Import nothing.")
        )  # fmt: skip
        assert self.ok is not None
        above = QHBoxLayout()
        for one in (self.files, self.folder):
            above.addWidget(one)
        above.addStretch(1)
        layout = QVBoxLayout(self)
        layout.addWidget(
            text("Masks find their case by the name of their file or folder. Nothing that is drawn is lost.")
        )
        layout.addLayout(above)
        for one in (self.bar, self.words):
            layout.addWidget(one)
        layout.addWidget(self.list, 1)
        for one in (self.details, self._values, self.over, self.replace, self.bring, self.without, box):
            layout.addWidget(one)
        self._timer = QTimer(self)
        self._timer.setInterval(LOOK)
        self._timer.timeout.connect(self._progress)
        self.finished.connect(lambda _: self._stop())
        self._draw()
        if self._paths:
            self._look()

    def chosen(self) -> list[str]:
        """The cases that are ticked."""
        return [item.data(0, NAME) for item in self._items() if item.checkState(0) == Qt.CheckState.Checked]

    def take(self, paths: Sequence[Path]) -> None:
        """Look at these files and folders."""
        self._paths, self._strange = tuple(paths), ()
        self._look()

    def _ask_files(self) -> None:
        files, _ = QFileDialog.getOpenFileNames(self, "Labels to import", "", KINDS)
        if files:
            self.take([Path(file) for file in files])

    def _ask_folder(self) -> None:
        chosen = QFileDialog.getExistingDirectory(self, "Folder of labels to import", "", QFileDialog.Option(0))
        if chosen:
            self.take([Path(chosen)])

    def _look(self) -> None:
        """Find out what would be done, anew."""
        if not self._paths:
            return
        self._stop()
        self.plan = None
        without = self._strange if self.without.isChecked() else ()
        mapping = self.values.mapping()
        wanted = Wanted(self._paths, mapping, self.bring.isChecked(), self.replace.isChecked(), without)
        self._now = self._start(wanted, self._planned, self._failed) or Checking()
        self._timer.start()
        self._draw()

    def _planned(self, plan: LabelPlan) -> None:
        self._timer.stop()
        self.plan = plan
        self.values.add(plan.open_values)
        self._draw()

    def _failed(self, error: Exception) -> None:
        self._timer.stop()
        self._paths = ()
        self._draw()
        show_text(self.words, f"⚠ {error}")

    def _stop(self) -> None:
        self._timer.stop()
        self._now.stop()

    def _progress(self) -> None:
        self.bar.setRange(0, self._now.total)
        self.bar.setValue(self._now.done)

    def _draw(self) -> None:
        plan, reading = self.plan, bool(self._paths) and self.plan is None
        before = sum(bool(one.before) for one in plan.cases) if plan is not None else 0
        self.bar.setVisible(reading)
        show_text(self.words, "Reading the files …" if reading else "" if plan is None else plan_words(plan))
        if plan is not None:
            self._fill(plan)
            which = f"the {before} cases that have" if before > 1 else "the case that has"
            self.over.setText(f"Also for {which} labels or a draft")
            self.over.setVisible(before > 0)
            self.replace.setVisible(before > 0 or self.replace.isChecked())
            self.bring.setVisible(bool(plan.offers) or self.bring.isChecked())
            if plan.strange:
                self._strange = tuple(dict.fromkeys((*self._strange, *plan.strange)))
            self.without.setText(f"Leave out the files of {listed(self._strange)}: no structure of this project")
            self.without.setVisible(bool(self._strange))
        elif not reading:
            for box in (self.over, self.replace, self.bring, self.without):
                box.hide()
        for box in (self.replace, self.bring, self.without, self.values):
            enable(box, not reading)
        self._values.setVisible(bool(self.values.boxes))
        self._values.setMinimumHeight(min(MOST_HIGH, self.values.sizeHint().height()))
        self.list.setVisible(plan is not None)
        self.details.setVisible(plan is not None)
        self._able()

    def _fill(self, plan: LabelPlan) -> None:
        self.list.blockSignals(True)
        self.list.clear()
        for line in case_lines(plan, self._classes):
            item = QTreeWidgetItem([line.case, line.now, line.shows, line.files])
            item.setFlags(item.flags() | Qt.ItemFlag.ItemIsUserCheckable)
            ticked = line.ticked or self.over.isChecked()
            item.setCheckState(0, Qt.CheckState.Checked if ticked else Qt.CheckState.Unchecked)
            item.setData(0, NAME, line.case)
            self._add(item, line.details)
        left = left_lines(plan)
        if left:
            group = QTreeWidgetItem([f"Not taken ({len(left)})"])
            self._add(group, "")
            for one in left:
                line = QTreeWidgetItem([one.words])
                self._add(line, one.details, group)
                line.setFirstColumnSpanned(True)  # why is a sentence, longer than any column
            group.setExpanded(True)
        self.list.blockSignals(False)
        self.list.setCurrentItem(self.list.topLevelItem(0))
        self._tell(self.list.currentItem())

    def _add(self, item: QTreeWidgetItem, details: str, group: QTreeWidgetItem | None = None) -> None:
        item.setData(0, DETAILS, details)
        for column in range(self.list.columnCount()):
            item.setToolTip(column, plain(details))
        if group is None:
            self.list.addTopLevelItem(item)
        else:
            group.addChild(item)

    def _items(self) -> list[QTreeWidgetItem]:
        """The lines of cases."""
        found = (self.list.topLevelItem(row) for row in range(self.list.topLevelItemCount()))
        return [item for item in found if item.data(0, NAME)]

    def _tell(self, item: QTreeWidgetItem | None) -> None:
        self.details.setText("" if item is None else str(item.data(0, DETAILS) or ""))

    def _tick_labelled(self, on: bool) -> None:
        if self.plan is None:
            return
        labelled = {one.case for one in self.plan.cases if one.before}
        for item in self._items():
            if item.data(0, NAME) in labelled:
                item.setCheckState(0, Qt.CheckState.Checked if on else Qt.CheckState.Unchecked)

    def _able(self) -> None:
        number = len(self.chosen()) if self.plan is not None else 0
        assert self.ok is not None
        self.ok.setText(f"Import {number} case{'' if number == 1 else 's'}" if number else "Import")
        enable(self.ok, number > 0)
