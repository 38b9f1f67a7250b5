"""The group of commands, each loaded when it is asked for."""

from __future__ import annotations

import importlib
import sys
from importlib.metadata import version
from typing import Any

import click

from cmexam_baseline.exam.errors import InputError

COMMANDS = {
    "train": "cmexam_baseline.cli.train:train",
    "predict": "cmexam_baseline.cli.predict:predict",
    "explain": "cmexam_baseline.cli.explain:explain",
    "score": "cmexam_baseline.cli.score:score",
    "compare": "cmexam_baseline.cli.compare:compare",
    "curve": "cmexam_baseline.cli.curve:curve",
    "export": "cmexam_baseline.cli.export:export",
    "data": "cmexam_baseline.cli.data:data",
    "prompts": "cmexam_baseline.cli.prompts:prompts",
    "leaderboard": "cmexam_baseline.cli.leaderboard:leaderboard",
}


class OneLineError(click.ClickException):
    """An error of the user's, shown as one line, with exit code 2."""

    exit_code = 2

    def format_message(self) -> str:
        return " ".join(super().format_message().split())


class LazyGroup(click.Group):
    """A group that imports a command's module when the command is used, so that `--help` stays fast."""

    def __init__(self, *args: Any, lazy: dict[str, str] | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.lazy = lazy or {}

    def list_commands(self, context: click.Context) -> list[str]:
        return [*self.lazy, *super().list_commands(context)]

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        if name not in self.lazy:
            return super().get_command(context, name)
        module, attribute = self.lazy[name].split(":")
        command = getattr(importlib.import_module(module), attribute)
        if not isinstance(command, click.Command):
            raise TypeError(f"{self.lazy[name]} is not a command")
        return command

    def invoke(self, context: click.Context) -> object:
        try:
            return super().invoke(context)
        except InputError as error:
            raise OneLineError(str(error)) from error
        except MemoryError as error:
            raise OneLineError("out of memory; use smaller inputs or a machine with more memory") from error
        except OSError as error:
            if isinstance(error, BrokenPipeError):
                raise
            where = f"{error.filename}: " if error.filename else ""
            raise OneLineError(
                f"{where}{error.strerror or error}; check the path and the free space"
            ) from error


@click.group(cls=LazyGroup, lazy=COMMANDS, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(version("cmexam-baseline"), prog_name="cmexam-baseline")
def commands() -> None:
    """Train, predict, score and compare on CMExam, the Chinese medical licensing exam questions.

    \b
    Examples:
      cmexam-baseline train --out runs/sample
      cmexam-baseline train --data CMExam/data --out runs/lightgbm
      cmexam-baseline score predictions.csv --exam CMExam/data --split test
    """


def main() -> None:
    """Run the command line of this process."""
    for stream in (sys.stdout, sys.stderr):
        # A terminal or pipe in another encoding must not turn a Chinese question into a traceback.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    commands(prog_name="cmexam-baseline")
