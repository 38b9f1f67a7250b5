"""The commands in docs/guide.md and what the guide says that they print."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
GUIDE = ROOT / "docs" / "guide.md"
SERVER = "http://localhost:8000"
_BLOCK = re.compile(r"^```console( slow)?\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass
class Block:
    """One ```console block: (command, printed) pairs; `slow` ones run only when the guide is written anew."""

    steps: list[tuple[str, str]]
    slow: bool
    start: int
    end: int


def blocks(text: str) -> list[Block]:
    """The blocks of a guide. A command begins with "$ ", goes on with "> ", and its output follows."""
    found = []
    for match in _BLOCK.finditer(text):
        steps: list[tuple[str, str]] = []
        for line in match[2].splitlines():
            if line.startswith("$ "):
                steps.append((line[2:], ""))
            elif line.startswith("> ") and not steps[-1][1]:
                steps[-1] = (f"{steps[-1][0]}\n{line[2:]}", "")
            else:
                steps[-1] = (steps[-1][0], steps[-1][1] + line + "\n")
        found.append(Block(steps, bool(match[1]), match.start(2), match.end(2)))
    return found


def written(block: Block) -> str:
    """The inside of a block as it stands in the guide."""
    lines = []
    for command, printed in block.steps:
        lines.append("$ " + command.replace("\n", "\n> ") + "\n" + printed)
    return "".join(lines)


def run(command: str, folder: Path, server: str) -> str:
    """What a command prints, on both streams, with what differs from run to run made the same."""
    scripts = str(Path(sys.executable).parent)
    environment = {**os.environ, "PATH": f"{scripts}{os.pathsep}{os.environ['PATH']}", "COLUMNS": "100"}
    done = subprocess.run(
        ["bash", "-c", command.replace(SERVER, server)],
        cwd=folder,
        env={**environment, "PYTHONIOENCODING": "utf-8"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=280,
    )
    printed = done.stdout.decode("utf-8").replace(server, SERVER)
    printed = re.sub(r" +\d+\.\d s(?:  [\d.]+ cores)?$", "   0.1 s", printed, flags=re.MULTILINE)
    printed = "".join(line.rstrip() + "\n" for line in printed.splitlines())
    return printed + (f"(exit code {done.returncode})\n" if done.returncode else "")


@contextmanager
def toy_server() -> Iterator[str]:
    """docs/toy_server.py on a free port; gives its address without /v1."""
    command = [sys.executable, str(ROOT / "docs" / "toy_server.py"), "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield process.stdout.readline().strip().removesuffix("/v1")
        process.terminate()
