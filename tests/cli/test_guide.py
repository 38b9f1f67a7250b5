"""docs/guide.md shows what its commands print. UPDATE_GUIDE=1 writes it anew, slow commands included."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from guide import GUIDE, Block, blocks, run, toy_server, written


def run_all(text: str, folder: Path, slow: bool) -> list[Block]:
    """The guide's blocks with what their commands print now, in order, in one folder."""
    found = blocks(text)
    with toy_server() as server:
        for block in found:
            if slow or not block.slow:
                block.steps = [(command, run(command, folder, server)) for command, _ in block.steps]
    return found


@pytest.mark.slow
@pytest.mark.skipif(not Path("/bin/bash").exists(), reason="the guide's commands are for bash")
def test_the_guide_shows_what_its_commands_print(tmp_path: Path) -> None:
    text = GUIDE.read_text(encoding="utf-8")
    if os.environ.get("UPDATE_GUIDE"):
        for block in reversed(run_all(text, tmp_path, slow=True)):
            text = text[: block.start] + written(block) + text[block.end :]
        GUIDE.write_text(text, encoding="utf-8")
        return
    now = run_all(text, tmp_path, slow=False)
    assert len(now) > 5
    for block, shown in zip(now, blocks(text), strict=True):
        assert written(block) == written(shown), "UPDATE_GUIDE=1 writes it anew"
