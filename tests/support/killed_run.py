"""Training runs that are killed again and again, for the test of resuming; a program of its own.

It imports once and forks a child for every attempt, so that a kill costs no import. Arguments: model folder,
work folder, file for the final weights, and the number of the file operation at which each attempt dies.
"""

from __future__ import annotations

import importlib
import os
import signal
import sys
from pathlib import Path
from typing import Any

from safetensors.numpy import save_file
from tiny_encoders import make_exam

SETTINGS: dict[str, Any] = {
    "lr": 3e-3, "batch_size": 8, "epochs": 3, "dropout": 0.1, "patience": 2, "checkpoint_every": 2,
    "evaluate_every": 3, "min_micro_batches": 2, "device": "cpu",
}  # fmt: skip


def train(model: str, work: Path | None, result: Path) -> None:
    """One run to its end; writes the final weights and option probabilities."""
    import torch

    from cmexam_baseline.encoders import EncoderBaseline

    torch.set_num_threads(1)
    exam = make_exam(40, options=(5, 4))
    baseline = EncoderBaseline(model, checkpoints=work, **SETTINGS).fit(exam[:32], exam[32:])
    weights = {name: parameter.detach().numpy() for name, parameter in baseline.scorer_.named_parameters()}
    probabilities = baseline.predict(exam).option_scores
    assert probabilities is not None
    save_file({**weights, "probabilities": probabilities}, result)


def die_at(operation: int) -> None:
    """Kill this process at its nth rename, before or after it took place."""
    count = 0

    def counting(original: Any) -> Any:
        def rename(*arguments: Any, **options: Any) -> Any:
            nonlocal count
            count += 1
            if count == operation and operation % 2:
                os.kill(os.getpid(), signal.SIGKILL)
            done = original(*arguments, **options)
            if count == operation:
                os.kill(os.getpid(), signal.SIGKILL)
            return done

        return rename

    for name in ("rename", "replace"):
        setattr(os, name, counting(getattr(os, name)))
        setattr(Path, name, counting(getattr(Path, name)))


def main() -> None:
    """Attempts until one ends by itself; prints how many were killed."""
    model, work, result = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    # Once for all children, which are forked.
    importlib.import_module("transformers.models.bert.modeling_bert")

    killed = 0
    for operation in [*map(int, sys.argv[4:]), 0]:
        child = os.fork()
        if child == 0:
            if operation:
                die_at(operation)
            train(model, work, result)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL:
            killed += 1
        elif status != 0:
            sys.exit(f"attempt with {operation} ended with {status}")
    print(killed)


if __name__ == "__main__":
    main()
