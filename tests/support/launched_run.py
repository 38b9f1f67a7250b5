"""Training runs for torchrun; arguments: model, folder for results, settings of each run (a list in JSON).

A fourth argument is the number of the file operation at which the first process kills itself.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from killed_run import die_at
from safetensors.numpy import save_file
from tiny_encoders import make_exam


def train(model: str, result: Path, settings: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Weights with probabilities, and report, of a run with checkpoints whose model is saved to `result`."""
    from cmexam_baseline.encoders import EncoderBaseline

    exam, told = make_exam(40, options=(5, 4)), []
    others = {name: value for name, value in settings.items() if name != "n_train"}
    n_train = settings.get("n_train", 27)
    baseline = EncoderBaseline(model, device="cpu", checkpoints=result / "work", **others)
    baseline.fit(exam[:n_train], exam[n_train:], progress=lambda stage, done, total: told.append(stage))
    if bool(told) != (os.environ.get("RANK", "0") == "0"):
        sys.exit("progress is for the first process alone")
    baseline.save(result / "model")
    weights = {name: parameter.detach().numpy() for name, parameter in baseline.scorer_.named_parameters()}
    probabilities = np.array(baseline.predict(exam).option_scores)
    return {**weights, "probabilities": probabilities}, baseline.report_.to_dict()


def main() -> None:
    """Run every setting in a folder by its number; the first process writes what came out."""
    import torch

    from cmexam_baseline.encoders import is_main_process

    torch.set_num_threads(1)
    if len(sys.argv) > 4 and is_main_process():
        die_at(int(sys.argv[4]))
    for number, settings in enumerate(json.loads(sys.argv[3])):
        result = Path(sys.argv[2]) / str(number)
        weights, report = train(sys.argv[1], result, settings)
        if is_main_process():
            save_file(weights, result / "weights.safetensors")
            (result / "report.json").write_text(json.dumps(report))


if __name__ == "__main__":
    main()
