"""What the documentation says is there, and runs."""

from __future__ import annotations

import doctest
import importlib
import importlib.util
import inspect
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from source_tree import ROOT, module_name, source_files, written_commands

from cmexam_baseline.cli.main import commands

MODULES = [module_name(file) for file in source_files()]


@pytest.mark.parametrize("name", MODULES)
def test_docstring_examples_run(name: str) -> None:
    module = importlib.import_module(name)
    result = doctest.testmod(module, optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
    assert result.failed == 0


# Of the packages that are a library; an example of an encoder would need its weights.
PUBLIC = [
    module_name(file)
    for package in ("metrics", "exam", "features")
    for file in source_files()
    if file.name == "__init__.py" and file.relative_to(ROOT).parts[0] == package
]


@pytest.mark.parametrize("name", PUBLIC)
def test_every_public_function_has_an_example(name: str) -> None:
    package = importlib.import_module(name)
    for public in getattr(package, "__all__", ()):
        value = getattr(package, public)
        if inspect.isfunction(value):
            assert ">>>" in (value.__doc__ or ""), f"{name}.{public} has no example"
        elif inspect.isclass(value):
            assert value.__doc__, f"{name}.{public} has no docstring"


PAGES = sorted(
    str(page.relative_to(ROOT))
    for page in (*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("harnesses/*.md"))
    if page.name != "CHANGELOG.md"
)


@pytest.mark.parametrize("page", [page for page in PAGES if ">>> " in (ROOT / page).read_text("utf-8")])
def test_examples_of_pages_run(page: str) -> None:
    result = doctest.testfile(
        str(ROOT / page), module_relative=False, encoding="utf-8", optionflags=doctest.IGNORE_EXCEPTION_DETAIL
    )
    assert result.attempted > 0
    assert result.failed == 0


@pytest.mark.parametrize("name", MODULES)
def test_every_module_says_what_it_is(name: str) -> None:
    assert (importlib.import_module(name).__doc__ or "").strip()


def all_commands(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[tuple[str, click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from all_commands(command, (*path, name))
        else:
            yield " ".join((*path, name)), command


COMMANDS = dict(all_commands(commands))


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_with_an_example(name: str) -> None:
    command = COMMANDS[name]
    assert f"cmexam-baseline {name}" in (command.help or ""), f"{name}: no example in its help"
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            assert parameter.help, f"{name} {parameter.opts[0]} has no help"


@pytest.mark.parametrize("page", PAGES)
def test_commands_of_pages_have_the_options_they_show(page: str) -> None:
    for words in written_commands(page):
        name = next((" ".join(words[:n]) for n in (2, 1) if " ".join(words[:n]) in COMMANDS), None)
        if name is None:
            assert words[0].startswith("-"), f"{page}: no command {' '.join(words[:2])}"
            continue
        options = {option for parameter in COMMANDS[name].params for option in parameter.opts} | {"--help"}
        shown = {word.split("=")[0] for word in words if re.match("--?[a-z]", word)}
        assert shown <= options, f"{page}: {name} has no {shown - options}"


def test_both_readmes_have_the_same_code_figures_and_links() -> None:
    english, chinese = (
        (ROOT / page).read_text(encoding="utf-8") for page in ("README.md", "README.zh-CN.md")
    )
    blocks = [
        [
            re.sub(r"\s+# .*", "", block)
            for block in re.findall(r"^```\w+\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
        ]
        for text in (english, chinese)
    ]
    assert blocks[0] == blocks[1]
    figures = [set(re.findall(r"\d+(?:[.,]\d+)+%?", text)) for text in (english, chinese)]
    assert figures[0] == figures[1]
    links = [set(re.findall(r"\]\((?!README)([^)]+)\)", text)) for text in (english, chinese)]
    assert links[0] == links[1]
    assert max(english.count("\n"), chinese.count("\n")) <= 70


@pytest.mark.parametrize("page", PAGES)
def test_links_of_pages_lead_somewhere(page: str) -> None:
    text = re.sub(
        r"^```.*?^```$", "", (ROOT / page).read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL
    )
    for target in re.findall(r"\]\((?!https?:|#|mailto:)([^)#\s]+)", text):
        assert ((ROOT / page).parent / target).exists(), f"{page}: {target}"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_on_a_page(name: str) -> None:
    shown = "\n".join((ROOT / page).read_text(encoding="utf-8") for page in PAGES)
    assert re.search(rf"cmexam-baseline {re.escape(name)}\b", shown)


@pytest.mark.skipif(importlib.util.find_spec("mkdocs") is None, reason="the docs extra is not installed")
def test_the_site_is_built_without_warnings(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", tmp_path],
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0 and "WARNING" not in done.stderr, done.stderr
    assert "score_explanations" in (tmp_path / "api" / "metrics.html").read_text("utf-8")
