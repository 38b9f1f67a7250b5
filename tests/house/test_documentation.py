"""What the documentation says is there, and runs."""

from __future__ import annotations

import doctest
import importlib
import inspect
import re
from collections.abc import Iterator

import click
import pytest
from house import ROOT, module_name, source_files

from cmexam_baseline.cli.main import commands

MODULES = [module_name(file) for file in source_files()]


@pytest.mark.parametrize("name", MODULES)
def test_docstring_examples_run(name: str) -> None:
    module = importlib.import_module(name)
    result = doctest.testmod(module, optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
    assert result.failed == 0


# Of the rooms that are a library; an example of an encoder would need its weights.
PACKAGES = [
    module_name(file)
    for room in ("metrics", "exam", "features")
    for file in source_files()
    if file.name == "__init__.py" and file.relative_to(ROOT).parts[0] == room
]


@pytest.mark.parametrize("name", PACKAGES)
def test_every_public_function_has_an_example(name: str) -> None:
    package = importlib.import_module(name)
    for public in getattr(package, "__all__", ()):
        value = getattr(package, public)
        if inspect.isfunction(value):
            assert ">>>" in (value.__doc__ or ""), f"{name}.{public} has no example"
        elif inspect.isclass(value):
            assert value.__doc__, f"{name}.{public} has no docstring"


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md"])
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


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_stands_in_the_readme(name: str) -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert re.search(rf"cmexam-baseline {re.escape(name)}\b", readme)
