"""A trained encoder as a folder: safetensors and JSON, nothing that could run."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from cmexam_baseline.encoders.heads import MultipleChoiceScorer, Scorer, build_scorer
from cmexam_baseline.encoders.model_description import DESCRIPTION, Description
from cmexam_baseline.encoders.models import find_model, quiet, weights_fingerprint
from cmexam_baseline.encoders.peft_tuning import apply_tuning, load_adapter, save_adapter
from cmexam_baseline.encoders.save_errors import writing
from cmexam_baseline.exam.errors import InputError
from cmexam_baseline.exam.io.files import new_folder, write_atomically

HEAD = "head.safetensors"


def save_model(
    folder: Path, scorer: Scorer, tokenizer: Any, description: Description, overwrite: bool = False
) -> None:
    """Write model, tokenizer and description to a new folder; raises `InputError` if it is taken.

    Whole models lie in transformers' form: with the standard pairwise head `AutoModelForMultipleChoice` loads
    the folder, otherwise `AutoModel` does, and `head.safetensors` holds the head. An adapter lies in peft's
    form in `adapter/`, beside `head.safetensors`.
    """
    from safetensors.torch import save_file

    with writing(folder), new_folder(folder, overwrite) as temporary, quiet():
        standard = isinstance(scorer, MultipleChoiceScorer)
        if scorer.adapter:
            save_adapter(scorer, temporary)
        else:
            (scorer.model if isinstance(scorer, MultipleChoiceScorer) else scorer.encoder).save_pretrained(
                temporary
            )
        if scorer.adapter or not standard:
            head = {name: p.detach().cpu().contiguous() for name, p in scorer.head_parameters().items()}
            save_file(head, temporary / HEAD)
        tokenizer.save_pretrained(temporary)
        write_atomically(temporary / DESCRIPTION, description.to_json())
        # safetensors makes files that their owner alone can read.
        for path in temporary.rglob("*.safetensors"):
            path.chmod((temporary / DESCRIPTION).stat().st_mode & 0o777)


def load_model(folder: Path, description: Description) -> Scorer:
    """The scorer in a folder, in eval mode; raises `InputError` if it is damaged or its base has changed."""
    import numpy as np
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    settings, base = description.settings, description.base
    size_bias = np.array(description.answering.size_bias)
    if base is None:
        # What was tuned is merged: the folder holds a whole model.
        scorer = build_scorer(
            folder, replace(settings, tuning="full", adapter=None, dropout=None), size_bias, True
        )
    else:
        base_folder = find_model(base["model"])
        if weights_fingerprint(base_folder) != base["fingerprint"]:
            raise InputError(
                f"{base_folder} holds other weights than {folder} was trained on; give the same model"
            )
        scorer = build_scorer(base_folder, settings, size_bias)
        apply_tuning(scorer, settings)
    try:
        if base is not None:
            load_adapter(scorer, folder)
        if base is not None or not isinstance(scorer, MultipleChoiceScorer):
            stored = load_file(folder / HEAD)
            with torch.no_grad():
                for name, parameter in scorer.head_parameters().items():
                    parameter.copy_(stored[name])
    except (OSError, KeyError, RuntimeError, SafetensorError) as error:
        raise InputError(f"{folder} is damaged ({error}); train the model again") from error
    return scorer.eval()
