"""The dock widget: it ties session, layers and panels together, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QEvent, Qt, QTimer
from qtpy.QtWidgets import QApplication, QMainWindow, QScrollArea, QStackedWidget, QWidget

from ..runs.drivers import Handle, ProcessDriver
from ..runs.status import RunStatus
from . import faults, keys, layermenu, projects, reopening, wiring
from .compat import focus_canvas
from .curvedock import CurveDock
from .editing import Place
from .follow import Follower
from .foreign import ForeignLayers
from .frame import lay_out
from .jobs import ThreadJobs
from .layers import CaseLayers
from .loading import ShownCase
from .mailbox import Mailbox
from .ortho import OrthoDock
from .panels.ask import ask
from .panels.cases import CasePanel
from .panels.foreign_bar import ForeignBar
from .panels.header import Header
from .panels.label import LabelPage
from .panels.others_box import OthersBox
from .panels.parts import scrolling
from .panels.review import ReviewPage
from .panels.tour import TourPanel
from .panels.train import TrainPage
from .panels.welcome import Welcome
from .progressdock import ProgressDock
from .questions import Question, Reply
from .runview import Level
from .runwork import Driver
from .session import Session
from .state import PanelState
from .steady import SteadyBrush
from .toolview import ToolFacts
from .tour import shown

if TYPE_CHECKING:
    import napari

DRAIN = 50  # ms
PAGES = ("Label", "Train", "Review")
UNSAVED = "The labels stay in napari, locked: File ▸ Save Selected Layers keeps them elsewhere."


class MedSSLWidget(QWidget):
    """Open · Label · Train · Review · Next.

    Parameters
    ----------
    viewer : napari.Viewer
        Any viewer model will do; a real one also gets the curves as a dock at the bottom.
    driver : Driver, optional
        Where runs live: processes of their own.
    """

    def __init__(
        self, viewer: napari.viewer.Viewer, parent: QWidget | None = None, *, driver: Driver | None = None
    ) -> None:
        super().__init__(parent)
        self._viewer: Any = viewer
        self._window_title = viewer.title
        self.mailbox = Mailbox()
        self.layers = CaseLayers(
            viewer,
            self._edited,
            self._labels_removed,
            partial(wiring.label.label_taken, self),
            self._stroked,
            self._wrote,
        )
        self.session = Session(
            self.layers,
            driver or ProcessDriver(),
            ThreadJobs(self.mailbox),
            self._follow,
            author=projects.person(),
            on_change=self._draw,
        )
        self._classes: object = None
        self._root: object = None
        self._shaded_for, self._unshaded = "", False  # the case that shading came on for; a person does not want it
        self._case_facts: object = None
        self._had_run = self._silent = False
        self.curves = CurveDock(viewer)
        self.progress = ProgressDock(viewer, partial(wiring.progress.connect_panel, self))
        self.planes = OrthoDock(viewer, self.layers, partial(wiring.view.show_planes, self))
        self.ask: Callable[[Question], Reply] = partial(ask, self)  # another one answers in tests
        self._closed = False
        self._in: QWidget | None = None
        self.header = Header()
        self.foreign_bar = ForeignBar()
        self.foreign = ForeignLayers(self.layers, partial(wiring.handover.look, self))
        self.cases = CasePanel()
        self.others = OthersBox()
        self.label_page, self.train_page, self.review_page = LabelPage(), TrainPage(), ReviewPage()
        self.welcome, self.tour = Welcome(), TourPanel()
        self.pages = QStackedWidget()
        for page in (scrolling(self.label_page), self.train_page, scrolling(self.review_page)):
            self.pages.addWidget(page)
        self._home = lay_out(
            self, self.tour, self.header, self.welcome, self.cases, self.pages, self.foreign_bar, self.others
        )
        self.session.cases.listen(self._case_came)
        self._display: object = None
        self.setAcceptDrops(True)
        self._pointer = wiring.tour.make_pointer(self)
        wiring.connect(self)
        self.label_page.shade.clicked.connect(self._shade_chosen)
        viewer.dims.events.order.connect(self._order_changed)
        self._brush = SteadyBrush(viewer)
        layermenu.offer()
        bindings = {key: partial(self._pressed, action) for key, action in wiring.keys(self).items()}
        self._bound = keys.bind(viewer, bindings)
        keys.bind_within(self, bindings, self._bound)
        self._timer = QTimer(self)
        self._timer.setInterval(DRAIN)
        self._timer.timeout.connect(self._tick)
        self._timer.start()
        self._let_go_of_faults: Callable[[], None] = lambda: None
        QTimer.singleShot(0, self._catch_faults)  # napari.run, which may only begin now, sets the hook before
        QTimer.singleShot(0, self._take_up)  # whoever made this dock may have other plans for it
        app = QApplication.instance()
        if app is not None:
            app.aboutToQuit.connect(self.shut)
        self._theme()
        self._draw(self.session.state)

    # --- what people do

    def open_folder(self, folder: Path | str) -> None:
        """Open the project in a folder, or ask what project to make of the scans in it."""
        self.session.look_into(folder, self._folder_seen)

    def _folder_seen(self, found: projects.Found) -> None:
        if found.is_project:
            self.session.open_project(found.folder)
            return
        QTimer.singleShot(0, partial(wiring.header.ask_project, self, found))  # a dialog must not hold up the mailbox

    def open_sample(self) -> None:
        """Generate the sample project, if need be, and open it."""
        self.session.make_sample(projects.sample_root(), self.session.open_next)

    def show_page(self, name: str) -> None:
        """Turn to "Label", "Train" or "Review"."""
        self.pages.setCurrentIndex(PAGES.index(name))
        self.header.choose(name)

    def shut(self) -> None:
        """Save what was drawn, let go of the viewer and take our layers off it; runs go on."""
        if self._closed:
            return
        self._closed = True
        self._viewer.title = self._window_title
        self._timer.stop()
        self._let_go_of_faults()
        self._remember()
        failed = self.session.cases.saver.failed
        self.session.close()
        self.mailbox.drain()
        kept = self.session.cases.saver.failed > failed
        if kept:
            _, why = self.session.state.message or ("error", "")
            self._announce("error", f"{why} {UNSAVED}".strip())
        if self._in is not None:
            self._in.removeEventFilter(self)
        self.curves.close()
        self.progress.close()
        self.planes.close()
        self._brush.close()
        self.foreign.close()
        keys.release(self._viewer, self._bound)
        self._viewer.dims.events.order.disconnect(self._order_changed)
        self.layers.close(keep=kept)

    def _remember(self) -> None:
        """For the dock that comes after this one in the same window."""
        facts = self.session.board.facts
        if facts.project is not None:
            case = None if facts.case is None else facts.case.name
            reopening.remember(self._viewer, reopening.Left(Path(facts.project.root), case, self.pages.currentIndex()))

    def _take_up(self) -> None:
        """Go on where the dock before this one was closed."""
        left = reopening.take_up(self._viewer)
        if left is None or self._closed or self.session.state.has_project or self.session.state.busy:
            return

        def go_on() -> None:
            self.show_page(PAGES[left.page])
            if left.case is not None:
                self.session.cases.open(left.case)

        self.session.open_project(left.root, go_on)

    # --- Qt

    def event(self, event: QEvent) -> bool:
        """Being closed, deleted or taken out of its dock is an end."""
        kind = event.type()
        if kind == QEvent.Type.Show and self._in is None and self.window() is not self:
            self._in = self.window()
            self._in.installEventFilter(self)
            if isinstance(self._in, QMainWindow):  # this dock is short of height, those below are not short of width
                self._in.setCorner(Qt.Corner.BottomRightCorner, Qt.DockWidgetArea.RightDockWidgetArea)
        taken_out = kind == QEvent.Type.ParentChange and self._in is not None and self.parent() is None
        if taken_out or kind in (QEvent.Type.Close, QEvent.Type.DeferredDelete):
            self.shut()
        return bool(super().event(event))

    def eventFilter(self, watched: Any, event: QEvent) -> bool:
        """The window is asked to close: save what was drawn, whatever the answer; say that a run goes on."""
        if event.type() == QEvent.Type.Close and not self._closed:
            self.session.cases.save()
            self.session.runs.reassure()
        return False

    def changeEvent(self, event: QEvent) -> None:
        """The theme may have changed."""
        super().changeEvent(event)
        if event.type() in (QEvent.Type.StyleChange, QEvent.Type.PaletteChange) and hasattr(self, "_bound"):
            self._theme()

    def dragEnterEvent(self, event: Any) -> None:
        """Folders, scans and labels may be dropped."""
        if event.mimeData().hasUrls():
            event.acceptProposedAction()

    def dropEvent(self, event: Any) -> None:
        """A folder is opened; scans and labels come into the open project."""
        paths = [Path(url.toLocalFile()) for url in event.mimeData().urls() if url.isLocalFile()]
        event.acceptProposedAction()
        if paths:
            wiring.importing.drop(self, paths)

    def show_curves(self) -> None:
        """Show the curves of the run at the bottom of the window."""
        self.curves.show(self.session.state.run, self.header.text_colour())

    @property
    def bound(self) -> tuple[str, ...]:
        """The keys that are ours now, such as "Alt-A"."""
        return tuple(self._bound)

    # --- within

    def _catch_faults(self) -> None:
        if not self._closed:
            self._let_go_of_faults = faults.catch(self.session.board.failed)

    def _pressed(self, action: Callable[[], None]) -> None:
        """One of our keys: the brush is as it was before it."""
        self._brush.key_pressed()
        action()

    def _order_changed(self, event: Any = None) -> None:
        self.label_page.show_plane(self.layers.plane())

    def _edited(self, sure: bool) -> None:
        self.session.cases.edited(sure)

    def _stroked(self) -> None:
        self.session.cases.stroked()

    def _wrote(self, place: Place) -> None:
        self.session.cases.wrote(place)
        self.session.looked.wrote(place)

    def _labels_removed(self) -> None:
        self.session.cases.leave()

    def _follow(self, handle: Handle, on_status: Callable[[str, RunStatus], None]) -> Callable[[], None]:
        return Follower(handle, self.mailbox, on_status).close

    def _tick(self) -> None:
        self.mailbox.drain()
        self.session.tick()
        state = self.session.state
        self._pointer.place(None if state.busy else state.tour, self.header.text_colour())  # busy: wait

    def _shade(self, case: str, tools: ToolFacts) -> None:
        """Background is seen until all of the scan is looked at; once it is used, so is what nobody looked at."""
        self.layers.tint_background(not tools.whole)
        if tools.background and not tools.whole and self._shaded_for != case:
            self._shaded_for = case
            if not self._unshaded:
                self.label_page.shade.setChecked(True)

    def _shade_chosen(self, on: bool) -> None:
        self._unshaded = not on

    def _case_came(self, shown: ShownCase) -> None:
        """Another case is on the screen: napari's keys are at hand, and nobody has to click on the scan for them."""
        if shown.display is not self._display:
            self._display = shown.display
            focus_canvas(self._viewer)

    def _begin(self) -> None:
        """Another project: it begins with labelling, and nothing of the one before is left."""
        self.show_page("Label")
        for area in self.findChildren(QScrollArea):
            area.verticalScrollBar().setValue(0)
        for below in (self.curves, self.progress, self.planes):
            below.hide()
        self.layers.channels.begin_anew()
        self.label_page.shade.setChecked(False)
        self._shaded_for, self._unshaded = "", False

    def _draw(self, state: PanelState) -> None:
        project = self.session.board.facts.project
        if project is not None and project.root != self._root:
            self._root = project.root
            self._begin()
        if state.classes != self._classes:
            self._classes = state.classes
            self.layers.set_classes(state.classes)
        if state.cases is not self._case_facts:
            self._case_facts = state.cases
            wiring.progress.look(self)
        self._home.setCurrentIndex(int(state.has_project))
        if not self._closed:
            named = [*filter(None, (state.current, state.title)), self._window_title]
            self._viewer.title = " – ".join(named) if state.has_project else self._window_title
        self.header.draw(state)
        self.tour.draw(shown(state.tour, state.offer_tour, state.title))
        self.welcome.draw(state.recent, state.offer_tour)
        self.cases.draw(state)
        self.others.draw(state.others)
        self.label_page.draw(state)
        self._shade(state.current or "", state.tools.facts)
        self.train_page.draw(state)
        self.review_page.draw(state, self.layers.overlays.look())
        wiring.handover.look(self)
        if state.run.under_way and not self._had_run:
            self.show_curves()
        if self._had_run and not state.run.under_way and not self._closed:
            self._announce(state.run.tone, state.run.ending)
        if state.run.silence and not self._silent and not self._closed:
            self._announce("warning", f"{state.run.title}. {state.run.silence}")
        self._silent = bool(state.run.silence)
        self._had_run = state.run.under_way
        self.curves.draw(state.run)

    def _announce(self, level: Level, words: str) -> None:
        """Tell what a person should know who does not look at the dock, or at the window at all."""
        from napari.utils.notifications import show_error, show_info, show_warning

        {"error": show_error, "warning": show_warning, "info": show_info}[level](words)
        QApplication.alert(self.window())

    def _theme(self) -> None:
        self.ensurePolished()
        colour = self.header.text_colour()
        self.cases.set_colour(colour)
        self.curves.set_colour(colour)
        self.progress.set_colour(colour)
        self.label_page.set_colour(colour)
