"""Write each proposal and its uncertainty as NIfTI beside each other, for a viewer of your choice.

python examples/export_uncertainty.py PROJECT FOLDER
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

import napari_medssl as medssl


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("project", type=Path)
    parser.add_argument("folder", type=Path)
    wanted = parser.parse_args()

    project = medssl.open_project(wanted.project)
    wanted.folder.mkdir(parents=True, exist_ok=True)
    for case in project.cases():
        proposal = case.latest_proposal()
        if proposal is None:
            continue
        for name, path in {"proposal": proposal.labels_path, **proposal.maps}.items():
            shutil.copy(path, wanted.folder / f"{case.name}_{name}{''.join(path.suffixes)}")
        print(f"{case.name}: {proposal.run}, expected error {proposal.score:.2f}")


if __name__ == "__main__":
    main()
