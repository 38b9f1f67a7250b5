"""The group of commands, each loaded when it is asked for."""

from __future__ import annotations

import re
import sys
from difflib import get_close_matches
from importlib import import_module
from typing import Any

import click

from cmexam_baseline.exam.errors import InputError
from cmexam_baseline.metrics.lazy_names import package_version
from cmexam_baseline.metrics.threads import wait_passively

# Each command with its module and what `--help` says of it, so that listing them imports none.
COMMANDS = {
    "train": ("train", "Train a baseline and score it on val and test."),
    "predict": ("predict", "Answer an exam with a trained run."),
    "explain": ("explain", "Show why a run answers as it does."),
    "score": ("score", "Score prediction files on an exam."),
    "compare": ("compare", "Test whether systems differ significantly."),
    "curve": ("curve", "Draw accuracy against the number of questions."),
    "pretrain": ("pretrain", "Adapt an encoder to training texts."),
    "export": ("export", "Export a trained encoder to ONNX."),
    "push": ("push", "Upload a run to the Hugging Face hub."),
    "data": ("main", "Download, check, describe and convert exam files."),
    "prompts": ("main", "Make prompts and send them to a model."),
    "leaderboard": ("leaderboard", "Rank systems beside published ones."),
}
DATA_COMMANDS = {
    "download": ("data_download", "Download CMExam and verify the files."),
    "check": ("data_check", "List rows that cannot be used or look wrong."),
    "stats": ("data_stats", "Describe the splits in tables and charts."),
    "convert": ("data_convert", "Convert any exam file to another format."),
    "overlap": ("data_overlap", "Find questions that two exams share."),
}
PROMPTS_COMMANDS = {
    "make": ("prompts_make", "Make a prompt for each question."),
    "run": ("prompts_run", "Send prompts to a model and keep its replies."),
}
# Commands that keep what an interrupted run has finished.
RESUMABLE = {"train", "curve", "download", "run"}
# Parameters of the Python API whose option has another name.
OPTION_OF = {"random_state": "seed", "n_jobs": "jobs", "n_folds": "folds", "path": "output"}
CONTEXT: dict[str, Any] = {"help_option_names": ["-h", "--help"], "show_default": True}
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

    lazy: name of a command -> its module and its summary in `--help`
    """

    def __init__(self, *args: Any, lazy: dict[str, tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.lazy = lazy

    def list_commands(self, context: click.Context) -> list[str]:
        return list(self.lazy)

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        if name not in self.lazy:
            return None
        command: click.Command = getattr(import_module(f"cmexam_baseline.cli.{self.lazy[name][0]}"), name)
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
        except (MemoryError, RuntimeError) as error:
            # torch's own error for the memory of a GPU, by its name: most commands never import torch.
            if isinstance(error, RuntimeError) and type(error).__name__ != "OutOfMemoryError":
                raise
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


@click.group(cls=LazyGroup, lazy=COMMANDS, context_settings=CONTEXT)
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


@click.group(cls=LazyGroup, lazy=DATA_COMMANDS)
def data() -> None:
    """Get exam files, check them, describe them, change their form.

    \b
    Examples:
      cmexam-baseline data download --to CMExam/data
      cmexam-baseline data check CMExam/data
      cmexam-baseline data stats CMExam/data
      cmexam-baseline data convert medqa.jsonl medqa.csv
      cmexam-baseline data overlap train.csv test.csv
    """


@click.group(cls=LazyGroup, lazy=PROMPTS_COMMANDS)
def prompts() -> None:
    """Make prompts of an exam's questions, and send them to a language model.

    \b
    Examples:
      cmexam-baseline prompts make CMExam/data --split test -o prompts.jsonl
      cmexam-baseline prompts run prompts.jsonl --base-url http://localhost:8000/v1 --model qwen -o out.jsonl
      cmexam-baseline score out.jsonl --exam CMExam/data --split test
    """


def main() -> None:
    """Run the command line of this process."""
    wait_passively()
    for stream in (sys.stdout, sys.stderr):
        # A terminal or pipe in another encoding must not turn a Chinese question into a traceback.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    commands(prog_name="cmexam-baseline")
