"""The group of commands: what any of them may run into ends in one line, in any encoding."""

from __future__ import annotations

import errno
import io
import sys

import click
import pytest
from click.testing import Result
from command_line import runner

from cmexam_baseline.cli import main


def broken(error: BaseException) -> Result:
    """A command of the group that raises this."""

    @click.command()
    def fails() -> None:
        raise error

    group = main.LazyGroup(name="group")
    group.add_command(fails)
    return runner().invoke(group, ["fails"])


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (
            OSError(errno.ENOSPC, "No space left on device", "runs/a"),
            "runs/a: No space left on device; check",
        ),
        (OSError("odd"), "odd; check the path and the free space"),
        (MemoryError(), "out of memory; use smaller inputs"),
    ],
)
def test_what_stops_any_command_ends_in_one_line(error: BaseException, said: str) -> None:
    result = broken(error)
    assert result.exit_code == 2
    assert said in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1


def test_a_defect_is_not_hidden() -> None:
    assert isinstance(broken(ZeroDivisionError()).exception, ZeroDivisionError)


def test_commands_of_both_kinds_are_listed_and_found() -> None:
    group = main.LazyGroup(name="group", lazy={"score": "cmexam_baseline.cli.score:score"})
    group.add_command(click.Command("own"))
    context = click.Context(group)
    assert group.list_commands(context) == ["score", "own"]
    assert [getattr(group.get_command(context, name), "name", None) for name in ("score", "own", "none")] == [
        "score",
        "own",
        None,
    ]
    group.lazy["wrong"] = "cmexam_baseline.cli.main:main"
    with pytest.raises(TypeError, match="is not a command"):
        group.get_command(context, "wrong")


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
