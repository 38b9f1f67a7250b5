"""Running the command line as a user does, and what a user's mistake must look like."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from cmexam_baseline.cli.main import commands


def runner(**settings: Any) -> CliRunner:
    """click's runner, with standard output and standard error apart."""
    if "mix_stderr" in inspect.signature(CliRunner).parameters:  # before click 8.2 they are mixed by default
        settings["mix_stderr"] = False
    return CliRunner(**settings)


def run(*arguments: str | Path) -> Result:
    """The finished command; an exception that is not click's own way out is raised."""
    return runner().invoke(commands, [str(argument) for argument in arguments], catch_exceptions=False)


def succeed(*arguments: str | Path) -> Result:
    """The finished command, which must have ended well."""
    result = run(*arguments)
    assert result.exit_code == 0, result.output
    return result


def complain(*arguments: str | Path, about: Sequence[str]) -> str:
    """The one line with which the command refuses; it must hold every text of `about`."""
    last = refused(run(*arguments))
    for text in about:
        assert text in last, f"{text!r} is not in {last!r}"
    return last


def refused(result: Result) -> str:
    """The one line that a command ends in which refuses what it was given."""
    assert result.exit_code == 2, result.output
    assert "Traceback" not in result.output
    last = result.stderr.strip().splitlines()[-1]
    assert last.startswith("Error: "), result.stderr
    return last
