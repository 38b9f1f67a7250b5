"""Hooks of mkdocs: pages that are kept elsewhere in the repository, and API pages made from the packages' public names."""

from __future__ import annotations

import importlib
import inspect
import re
from pathlib import Path, PurePosixPath
from typing import Any

from mkdocs.structure.files import File

ROOT = Path(__file__).resolve().parents[1]
# The site has them at the same paths as the repository.
ELSEWHERE = (
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
    "benchmarks/README.md",
    "benchmarks/chart.svg",
    "benchmarks/encoders.md",
    "benchmarks/load.md",
    "benchmarks/score.md",
    "benchmarks/training.md",
    "harnesses/README.md",
    "tests/faults/README.md",
    "tests/faults/fuzzing.md",
    "tests/mutants.md",
)
_API = re.compile(r"^<!-- api: (\S+) -->$", re.MULTILINE)
_LINK = re.compile(r"(?<=\]\()(?!https?:|#|mailto:)([^)#\s]+)")


def on_files(files: Any, config: Any) -> Any:
    """Adds the pages of `ELSEWHERE`."""
    for path in ELSEWHERE:
        files.append(File.generated(config, path, abs_src_path=str(ROOT / path)))
    return files


def on_page_markdown(markdown: str, page: Any, config: Any, files: Any) -> str:
    """Links become those of the site, and API comments the objects of a package."""
    path = page.file.src_uri
    at_home = path if path in ELSEWHERE else f"docs/{path}"

    def link(match: re.Match[str]) -> str:
        target = _normal(PurePosixPath(at_home).parent / match[1])
        place = target.removeprefix("docs/")
        if files.get_file_from_path(place) is None:
            return match[1]
        return _relative(place, path)

    return _API.sub(lambda match: _objects(match[1]), _LINK.sub(link, _without_paths(markdown, at_home)))


def _without_paths(markdown: str, at_home: str) -> str:
    """Links to folders and sources, which the site does not have, become their names alone."""

    def name(match: re.Match[str]) -> str:
        target = ROOT / _normal(PurePosixPath(at_home).parent / match[2])
        is_page = target.suffix in (".md", ".svg") and target.exists()
        return match[0] if is_page or match[2].startswith(("http", "#")) else f"`{match[1].strip('`')}`"

    return re.sub(r"(?<!!)\[([^\]\n]+)\]\(([^)#\s]+)\)", name, markdown)


def _normal(path: PurePosixPath) -> str:
    parts: list[str] = []
    for part in path.parts:
        if part == "..":
            parts[-1:] = []
        elif part != ".":
            parts.append(part)
    return "/".join(parts)


def _relative(place: str, path: str) -> str:
    return "../" * (len(PurePosixPath(path).parts) - 1) + place


def _objects(package: str) -> str:
    """A block of mkdocstrings for every public name of a package, classes and functions before constants."""
    module = importlib.import_module(package)
    lines = [inspect.getdoc(module) or "", ""]
    for name in getattr(module, "__all__", ()):
        lines += [f"::: {package}.{name}", ""]
    return "\n".join(lines)
