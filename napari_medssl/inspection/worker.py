"""The process of a look inside: `python -m napari_medssl.inspection.worker PROJECT RUN CASE`.

The pictures go to the project's cache; their folder is told last on stdout, what went wrong last on stderr.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from ..errors import NO_MEMORY, MedSSLError
from ..project import Project
from .findings import findings_folder, write_findings
from .inspect import inspect_case


def main(arguments: list[str]) -> int:
    """Look; 0 done, 2 when there is something that a person can mend."""
    root, run, case = arguments
    if hasattr(os, "nice"):
        os.nice(5)  # the screen must not wait for us
    try:
        project = Project.open(Path(root))
        found = inspect_case(project, run, case)
        folder = findings_folder(project, found.run, case)
        write_findings(folder, found)
    except MedSSLError as error:
        print(" ".join(str(error).split()), file=sys.stderr)
        return 2
    except MemoryError:
        print(NO_MEMORY, file=sys.stderr)
        return 2
    print(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
