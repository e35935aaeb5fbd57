"""Forms are made from the options' metadata, and give back what was put in."""

from __future__ import annotations

import dataclasses

import pytest

from napari_medssl.methods.catalog import CATALOG
from napari_medssl.methods.options import Options, option, resolve_options
from napari_medssl.ui.forms import OptionsForm

pytestmark = pytest.mark.usefixtures("qapp")


@dataclasses.dataclass(frozen=True)
class Odd(Options):
    """One option of each kind."""

    count: int = option(3, "Count", "How many.", low=1, high=9)
    share: float = option(0.25, "Share", "How much.", low=0.0, high=1.0, unit="of 1")
    tiny: float = option(3e-5, "Tiny", "Very little.", low=0.0, high=0.1)
    yes: bool = option(True, "Yes", "Whether.")
    way: str = option("left", "Way", "Which.", choices=("left", "right"))


@pytest.mark.parametrize("cls", [Odd, *(info.options for info in CATALOG.values())])
def test_an_untouched_form_asks_for_nothing(cls: type[Options]) -> None:
    assert OptionsForm(cls).value() == {}


def test_what_is_changed_is_asked_for_and_is_valid() -> None:
    form = OptionsForm(Odd)
    wishes = {"count": 5, "share": 0.5, "tiny": 1e-4, "yes": False, "way": "right"}
    form.set_value(wishes)
    assert form.value() == wishes
    assert resolve_options(Odd, form.value()) == Odd(**wishes)
    form.set_value({})
    assert form.value() == {}


def test_every_control_says_what_it_is() -> None:
    form = OptionsForm(Odd)
    for field, widget in zip(form._fields, form._widgets.values(), strict=True):
        assert widget.native.accessibleName() == field.metadata["title"]
        assert field.metadata["help"] in widget.tooltip


def test_a_change_is_told() -> None:
    form, told = OptionsForm(Odd), []
    form.on_change(lambda: told.append(1))
    form._widgets["count"].value = 4
    assert told
