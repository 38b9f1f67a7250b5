"""A command line that dies by SIGKILL as soon as a fold's scores are kept; arguments: the fold, the command."""

from __future__ import annotations

import os
import signal
import sys
from typing import Any

from cmexam_baseline.baselines.out_of_fold import FoldCache
from cmexam_baseline.cli.main import commands


def main() -> None:
    """Run the command; killed after the fold (from 0) with that number."""
    last, keep = int(sys.argv[1]), FoldCache.keep

    def keep_and_die(self: FoldCache, fold: int, scores: Any) -> None:
        keep(self, fold, scores)
        if fold == last:
            os.kill(os.getpid(), signal.SIGKILL)

    FoldCache.keep = keep_and_die  # type: ignore[method-assign]  # the process dies inside
    commands(sys.argv[2:], prog_name="cmexam-baseline")


if __name__ == "__main__":
    main()
