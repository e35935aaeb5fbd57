"""What a person installs: metadata, the console script, the manifest, and README commands that are the real ones."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from importlib.metadata import distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import napari_medssl


@pytest.fixture(scope="module")
def project(repository: Path) -> dict:
    return tomllib.loads((repository / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def _fenced(readme: str, heading: str) -> list[str]:
    """The lines of the first fenced block under a heading."""
    section = readme.split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]
    block = re.search(r"```\w*\n(.*?)```", section, re.DOTALL)
    assert block, f"no fenced command under {heading}"
    assert section.lstrip().startswith("```"), f"{heading} must begin with its command"
    return block.group(1).strip().splitlines()


def test_the_installed_version_is_that_of_the_source() -> None:
    assert distribution("napari-medssl").version == napari_medssl.__version__


def test_entry_points() -> None:
    points = {(p.group, p.name): p.value for p in distribution("napari-medssl").entry_points}
    assert points["napari.manifest", "napari-medssl"] == "napari_medssl:napari.yaml"
    assert points["console_scripts", "napari-medssl"] == "napari_medssl.cli:main"


def test_the_console_script_answers() -> None:
    script = Path(sys.executable).with_name("napari-medssl")
    done = subprocess.run([script, "--help"], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    for command in ("demo", "new", "status", "train", "runs", "predict", "labels", "evaluate", "suggest", "doctor"):
        assert re.search(rf"\b{command}\b", done.stdout), command


def test_top_level_manifest_is_the_packaged_one(repository: Path) -> None:
    packaged = repository / "napari_medssl" / "napari.yaml"
    assert (repository / "napari.yaml").read_bytes() == packaged.read_bytes()
    assert (repository / "napari.yaml").is_symlink()


def test_the_manifest_is_valid_and_its_commands_exist(repository: Path) -> None:
    from npe2 import PluginManifest

    manifest = PluginManifest.from_file(repository / "napari_medssl" / "napari.yaml")
    manifest.validate_imports()
    assert manifest.name == "napari-medssl"
    assert manifest.contributions.widgets
    assert manifest.contributions.sample_data


def test_base_dependencies_bring_no_qt_binding(project: dict) -> None:
    names = {canonicalize_name(Requirement(r).name) for r in project["dependencies"]}
    assert not names & {"pyside6", "pyside2", "pyqt6", "pyqt5", "pyside6-essentials"}
    assert not any(Requirement(r).extras for r in project["dependencies"])  # no napari[all]


def test_pyside6_is_never_the_version_that_aborts(project: dict, repository: Path) -> None:
    wanted = [Requirement(r) for r in project["optional-dependencies"]["all"]]
    (pyside,) = [r for r in wanted if canonicalize_name(r.name) == "pyside6"]
    assert not pyside.specifier.contains("6.12.0")
    assert "pyside6==6.12" not in (repository / "constraints.txt").read_text(encoding="utf-8").lower()


def test_constraints_are_exact_and_within_the_requirements(project: dict, repository: Path) -> None:
    pins = {}
    for line in (repository / "constraints.txt").read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            requirement = Requirement(line)
            (specifier,) = requirement.specifier
            assert specifier.operator == "==", line
            assert "+" not in specifier.version, f"{line}: a local build is not to be had everywhere"
            pins[canonicalize_name(requirement.name)] = specifier.version
    assert pins["torch"] == "2.13.0"
    assert not [name for name in pins if name.startswith(("nvidia-", "triton", "cuda", "torchvision"))]
    extras = project["optional-dependencies"]
    for line in (*project["dependencies"], *extras["all"], *extras["test"]):
        requirement = Requirement(line)
        assert requirement.specifier.contains(pins[canonicalize_name(requirement.name)]), line


def test_dependencies_are_those_imported(project: dict, repository: Path) -> None:
    """Each requirement is used, and each import of another's package is required."""
    modules = {"connected-components-3d": "cc3d", "pillow": "PIL", "scikit-image": "skimage"}
    wanted = {canonicalize_name(Requirement(r).name) for r in project["dependencies"]}
    sources = [p.read_text(encoding="utf-8") for p in (repository / "napari_medssl").rglob("*.py")]
    imported = {m for s in sources for m in re.findall(r"^\s*(?:from|import)\s+([A-Za-z_]\w*)", s, re.MULTILINE)}
    assert not {name for name in wanted if modules.get(name, name) not in imported}
    ours = {modules.get(name, name) for name in wanted} | {"napari_medssl"} | set(sys.stdlib_module_names)
    assert not {m for m in imported if m not in ours and _is_a_package(m)}


def _is_a_package(name: str) -> bool:
    from importlib.util import find_spec

    return find_spec(name) is not None


def test_readme_commands(repository: Path) -> None:
    readme = (repository / "README.md").read_text(encoding="utf-8")
    (run,) = _fenced(readme, "Run it")
    (test,) = _fenced(readme, "Test it")
    assert run.endswith("napari-medssl demo")
    assert test.endswith("pytest")
    for command in (run, test):
        assert "-m venv .venv" in command
        assert "-c constraints.txt" in command


def test_pictures_and_links_of_the_documents_exist(repository: Path) -> None:
    for page in (repository / "README.md", *sorted((repository / "docs").rglob("*.md"))):
        for target in re.findall(r"\]\(([^)#\s]+)", page.read_text(encoding="utf-8")):
            if "://" not in target and not target.startswith("mailto:"):
                assert (page.parent / target).exists(), f"{page.name} points to {target}"


def test_system_packages_are_those_that_ci_installs(repository: Path) -> None:
    told = re.search(r"apt-get install -y ([^`]+)`", (repository / "README.md").read_text(encoding="utf-8"))
    installed = re.search(r"^packages=\((.*?)^\)", (repository / ".ci" / "run").read_text(), re.DOTALL | re.MULTILINE)
    assert told
    assert installed
    assert set(told[1].split()) <= set(installed[1].split())
