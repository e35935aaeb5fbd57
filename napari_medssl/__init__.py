"""Segment medical scans from a few labelled ones: semi-supervised training, uncertainty and correction in napari.

The public names are loaded when they are first used: importing the package costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .api import RunResult, create_project, evaluate, open_project, predict, suggest, train
    from .errors import MedSSLError
    from .imaging import read_image, read_labels
    from .project import Project

__version__ = "0.1.0"

_HOMES = {
    "MedSSLError": "errors",
    "Project": "project",
    "RunResult": "api",
    "create_project": "api",
    "evaluate": "api",
    "open_project": "api",
    "predict": "api",
    "read_image": "imaging",
    "read_labels": "imaging",
    "suggest": "api",
    "train": "api",
}

__all__ = [
    "MedSSLError",
    "Project",
    "RunResult",
    "__version__",
    "create_project",
    "evaluate",
    "open_project",
    "predict",
    "read_image",
    "read_labels",
    "suggest",
    "train",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
