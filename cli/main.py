"""The group of commands, each loaded when it is asked for."""

from __future__ import annotations

import importlib
import re
import sys
from difflib import get_close_matches
from typing import Any

import click

from cmexam_baseline.exam.errors import InputError
from cmexam_baseline.metrics.lazy_names import package_version

# Each command with what `--help` says of it, so that listing them imports none.
COMMANDS = {
    "train": ("cmexam_baseline.cli.train:train", "Train a baseline and score it on val and test."),
    "predict": ("cmexam_baseline.cli.predict:predict", "Answer an exam with a trained run."),
    "explain": ("cmexam_baseline.cli.explain:explain", "Show why a run answers as it does."),
    "score": ("cmexam_baseline.cli.score:score", "Score prediction files on an exam."),
    "compare": ("cmexam_baseline.cli.compare:compare", "Test whether systems differ significantly."),
    "curve": ("cmexam_baseline.cli.curve:curve", "Draw accuracy against the number of questions."),
    "pretrain": ("cmexam_baseline.cli.pretrain:pretrain", "Adapt an encoder to training texts."),
    "export": ("cmexam_baseline.cli.export:export", "Export a trained encoder to ONNX."),
    "push": ("cmexam_baseline.cli.push:push", "Upload a run to the Hugging Face hub."),
    "data": ("cmexam_baseline.cli.data:data", "Download, check, describe and convert exam files."),
    "prompts": ("cmexam_baseline.cli.prompts:prompts", "Make prompts and send them to a model."),
    "leaderboard": ("cmexam_baseline.cli.leaderboard:leaderboard", "Rank systems beside published ones."),
}
# Commands that keep what an interrupted run has finished.
RESUMABLE = {"train", "curve", "download", "run"}
# Parameters of the Python API whose option has another name.
OPTION_OF = {"random_state": "seed", "n_jobs": "jobs", "n_folds": "folds", "path": "output"}
_PARAMETER = re.compile(r"`(\w+)(?:=([^`]*))?`")


class OneLineError(click.ClickException):
    """An error of the user's, shown as one line."""

    exit_code = 2

    def format_message(self) -> str:
        line = " ".join(super().format_message().split())
        return "".join(char if char.isprintable() else "\ufffd" for char in line)


class Interrupted(OneLineError):
    """Ctrl-C; the exit code is the shell's own for it."""

    exit_code = 130


class LazyGroup(click.Group):
    """A group that imports a command's module when the command is used, so that `--help` stays fast.

    lazy: name of a command -> where it is ("module:attribute") and its summary in `--help`
    """

    def __init__(self, *args: Any, lazy: dict[str, tuple[str, str]] | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.lazy = lazy or {}

    def list_commands(self, context: click.Context) -> list[str]:
        return [*self.lazy, *super().list_commands(context)]

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        if name not in self.lazy:
            return super().get_command(context, name)
        module, attribute = self.lazy[name][0].split(":")
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command

    def format_commands(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, summary) for name, (_, summary) in self.lazy.items()])

    def resolve_command(
        self, context: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        known = self.list_commands(context)
        if args[0] not in known and not args[0].startswith("-"):
            close = get_close_matches(args[0], known, 1)
            hint = f"did you mean {close[0]}?" if close else f"commands: {', '.join(known)}"
            context.fail(f"no such command {args[0]!r}; {hint}")
        return super().resolve_command(context, args)

    def invoke(self, context: click.Context) -> object:
        try:
            return super().invoke(context)
        except InputError as error:
            command = self.get_command(context, context.invoked_subcommand or "")
            raise OneLineError(name_options(str(error), command)) from error
        except MemoryError as error:
            raise OneLineError("out of memory; use smaller inputs or a machine with more memory") from error
        except KeyboardInterrupt as error:
            after = "go on" if context.invoked_subcommand in RESUMABLE else "start again"
            raise Interrupted(f"interrupted; run the same command to {after}") from error
        except BrokenPipeError:
            raise
        except OSError as error:
            where = f"{error.filename}: " if error.filename else ""
            text = f"{where}{error.strerror or error}; check the path and the free space"
            raise OneLineError(text) from error


def name_options(message: str, command: click.Command | None) -> str:
    """A message in which parameters in backticks are the options of a command, as far as it has them.

    >>> command = click.Command("score", params=[click.Option(["--bad-rows"]), click.Option(["--json"], is_flag=True)])
    >>> name_options("correct them or use `bad_rows='skip'` and `json=True`, not `index`", command)
    'correct them or use --bad-rows skip and --json, not `index`'
    """
    options = {
        param.name: param for param in getattr(command, "params", ()) if isinstance(param, click.Option)
    }

    def as_option(match: re.Match[str]) -> str:
        name, value = match[1], (match[2] or "").strip("\"'[]() ").replace(",", " ")
        option = options.get(name) or options.get(OPTION_OF.get(name, ""))
        if option is None:
            return match[0]
        flag = max(option.opts, key=len)
        if not option.is_flag:
            return f"{flag} {' '.join(value.split())}".rstrip()
        return option.secondary_opts[0] if value == "False" and option.secondary_opts else flag

    return _PARAMETER.sub(as_option, message)


def show_version(context: click.Context, param: click.Parameter, wanted: bool) -> None:
    """Print the installed version."""
    if wanted and not context.resilient_parsing:
        click.echo(f"cmexam-baseline, version {package_version()}")
        context.exit()


@click.group(cls=LazyGroup, lazy=COMMANDS, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--version",
    is_flag=True,
    expose_value=False,
    is_eager=True,
    callback=show_version,
    help="Show the version and exit.",
)
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
