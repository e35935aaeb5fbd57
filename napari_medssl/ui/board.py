"""What is known and what is therefore shown: one frozen `Facts`, resolved anew at each change."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from ..disk import remedy
from ..errors import MedSSLError
from .runview import Level
from .state import Facts, PanelState, resolve

log = logging.getLogger("napari_medssl")


class Board:
    """Holds the facts; tells `on_change` each new state. On the screen's thread only."""

    def __init__(self, on_change: Callable[[PanelState], None] = lambda state: None) -> None:
        self.facts = Facts()
        self.state = resolve(self.facts)
        self._on_change = on_change
        self.fault = ""  # the last fault of the program, with where it came up
        self.on_fault: Callable[[Exception], None] = lambda error: None

    def set(self, **changes: Any) -> None:
        """Change some facts."""
        self.facts = replace(self.facts, **changes)
        state = resolve(self.facts)
        if state != self.state:
            self.state = state
            self._on_change(state)

    def set_case(self, **changes: Any) -> None:
        """Change some facts of the case on screen; nothing when there is none."""
        if self.facts.case is not None:
            self.set(case=replace(self.facts.case, **changes))

    def say(self, level: Level, text: str) -> None:
        """Show a message until it is dismissed or replaced."""
        self.set(message=(level, text))

    def failed(self, error: Exception) -> None:
        """Show an error: in its own words where a person can mend it, as a fault of the program otherwise."""
        self.set(busy="")
        if isinstance(error, MedSSLError):
            self.say("error", str(error))
        elif isinstance(error, OSError):
            what = f"{error.filename}: " if error.filename else ""
            self.say("error", f"{what}{error.strerror or error}. What to do: {remedy(error)}.")
        else:
            self.say(
                "error",
                f"A fault of the program: {type(error).__name__}: {error}. What you drew is kept. "
                "Copy diagnostics, under the ? at the top, puts on the clipboard what helps to mend it.",
            )
            self.fault = "".join(traceback.format_exception(error))
            log.error("fault", exc_info=error)
            self.on_fault(error)
