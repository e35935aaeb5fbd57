"""Forms are made from the options' metadata, and give back what was put in."""

from __future__ import annotations

import dataclasses

import pytest

from napari_medssl.errors import SpecError
from napari_medssl.methods.catalog import CATALOG
from napari_medssl.methods.options import Options, option, resolve_options
from napari_medssl.runs.presets import preset_options
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


@pytest.mark.parametrize("method", CATALOG)
@pytest.mark.parametrize("ndim", [2, 3])
def test_the_published_values_are_shown_and_are_no_change(method: str, ndim: int) -> None:
    usual = preset_options(CATALOG[method], "paper", ndim)
    form = OptionsForm(CATALOG[method].options, usual)
    assert form.value() == {}
    for name, widget in form._widgets.items():
        if isinstance(usual[name], float):
            assert widget.value == pytest.approx(usual[name], abs=1e-4, rel=1e-3), name
        else:
            assert widget.value == usual[name], name


@pytest.mark.parametrize("cls", [Odd, *(info.options for info in CATALOG.values())])
def test_every_option_of_every_method_can_be_set_and_is_valid(cls: type[Options]) -> None:
    form = OptionsForm(cls)
    for field in dataclasses.fields(cls):
        meta, default = field.metadata, field.default
        if isinstance(default, bool):
            wanted: object = not default
        elif meta["choices"]:
            wanted = next(choice for choice in meta["choices"] if choice != default)
        else:
            ends = [end for end in (meta["high"], meta["low"]) if end is not None and end != default]
            wanted = type(default)(ends[0] if ends else default + 1)
        form.set_value({field.name: wanted})
        assert form.value() == {field.name: pytest.approx(wanted)}, field.name
        resolve_options(cls, form.value())


def test_what_is_half_typed_does_not_break_the_form() -> None:
    form = OptionsForm(Odd)
    form._widgets["tiny"].native.setText("1e-")
    assert form.value() == {"tiny": "1e-"}
    with pytest.raises(SpecError, match="'tiny' must be a float"):
        resolve_options(Odd, form.value())
    form._widgets["tiny"].native.setText("1e-4")
    assert form.value() == {"tiny": 1e-4}
