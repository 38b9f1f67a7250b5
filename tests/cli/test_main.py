"""The group of commands: what any of them may run into ends in one line, in any encoding."""

from __future__ import annotations

import errno
import io
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import Result
from command_line import run, runner, succeed

from cmexam_baseline.cli import main, score
from cmexam_baseline.exam.errors import InputError
from cmexam_baseline.metrics import PROFILES


def broken(error: BaseException) -> Result:
    """A command of the group that raises this."""

    @click.command()
    def fails() -> None:
        raise error

    return runner().invoke(group_of(fails), ["fails"])


def group_of(command: click.Command) -> main.LazyGroup:
    class Group(main.LazyGroup):
        def get_command(self, context: click.Context, name: str) -> click.Command:
            return command

    return Group(name="group", lazy={"fails": ("", "")})


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (
            OSError(errno.ENOSPC, "No space left on device", "runs/a"),
            "runs/a: No space left on device; check",
        ),
        (OSError("odd"), "odd; check the path and the free space"),
        (MemoryError(), "out of memory; use smaller inputs"),
        # As torch's is named, which is a RuntimeError.
        (type("OutOfMemoryError", (RuntimeError,), {})("CUDA out of memory"), "out of memory; use smaller"),
    ],
)
def test_what_stops_any_command_ends_in_one_line(error: BaseException, message: str) -> None:
    result = broken(error)
    assert result.exit_code == 2
    assert message in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1


def test_a_defect_is_not_hidden() -> None:
    assert isinstance(broken(ZeroDivisionError()).exception, ZeroDivisionError)


@pytest.mark.parametrize(
    ("group", "parents"), [(main.commands, []), (main.data, ["data"]), (main.prompts, ["prompts"])]
)
def test_a_summary_fits_its_line_and_every_command_has_help(
    group: main.LazyGroup, parents: list[str]
) -> None:
    listed = succeed(*parents, "--help").stdout.splitlines()
    context = click.Context(group)
    for name, (_, summary) in group.lazy.items():
        assert any(line.split() == [name, *summary.split()] for line in listed), name
        command = group.get_command(context, name)
        assert command is not None and command.help and "Examples:" in command.help, name
        for option in command.params:
            assert not isinstance(option, click.Option) or option.help, f"{name} {option.opts}"


def test_profiles_are_those_of_metrics() -> None:
    assert list(score.PROFILES) == list(PROFILES)


def test_help_and_errors_import_nothing_heavy(tmp_path: Path) -> None:
    """The processor time of a start is in the imports: numpy alone costs as much as all the rest."""
    program = (
        "import sys; from cmexam_baseline.cli.main import commands\n"
        "for arguments in {arguments}:\n"
        "    try: commands(arguments, prog_name='cmexam-baseline')\n"
        "    except SystemExit: pass\n"
        "print({{name for name in sys.modules if name in ('numpy', 'rich', 'importlib.metadata')}})"
    )
    groups: list[tuple[main.LazyGroup, list[str]]] = [
        (main.commands, []),
        (main.data, ["data"]),
        (main.prompts, ["prompts"]),
    ]
    arguments = [[*parents, name, "--help"] for group, parents in groups for name in group.lazy]
    arguments += [
        ["--help"],
        ["--version"],
        ["nothing"],
        ["score", "no.csv"],
        ["predict", "no", "no.csv", "-o", "p.csv"],
    ]
    run_program = [sys.executable, "-c", program.format(arguments=arguments)]
    done = subprocess.run(run_program, capture_output=True, text=True, check=True, cwd=tmp_path)
    assert done.stdout.splitlines()[-1] == "set()"


def test_a_misspelt_command_is_answered_with_the_likely_one() -> None:
    assert "no such command 'scor'; did you mean score?" in run("scor", "a.csv").stderr
    assert "commands: download, check," in run("data", "xyz").stderr


def test_ctrl_c_ends_with_130_and_says_how_to_go_on() -> None:
    result = broken(KeyboardInterrupt())
    assert result.exit_code == 130
    assert result.stderr == "Error: interrupted; run the same command to start again\n"


def test_parameters_in_errors_are_named_as_options_of_the_command() -> None:
    @click.command()
    @click.option("--bad-rows")
    @click.option("--seeds", multiple=True)
    @click.option("--overwrite", is_flag=True)
    def fails(**_: object) -> None:
        raise InputError('`bad_rows="skip"`, `seeds=[1, 2]`, `overwrite=True`, `name`\x1b[2J\nor `bad_rows`')

    stderr = runner().invoke(group_of(fails), ["fails"]).stderr
    assert stderr == "Error: --bad-rows skip, --seeds 1 2, --overwrite, `name`\ufffd[2J or --bad-rows\n"


def test_a_terminal_in_another_encoding_gets_escapes(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii")
    monkeypatch.setattr(sys, "stdout", stream)
    monkeypatch.setattr(sys, "argv", ["cmexam-baseline", "--version"])
    with pytest.raises(SystemExit) as end:
        main.main()
    print("答案")
    stream.flush()
    assert end.value.code == 0
    assert raw.getvalue().decode("ascii").splitlines()[-1] == "\\u7b54\\u6848"
