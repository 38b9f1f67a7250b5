"""A trained encoder as a folder of safetensors and JSON; its description is readable without torch."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cmexam_baseline.encoders.batches import Batches
from cmexam_baseline.encoders.decision import Decision
from cmexam_baseline.encoders.sequences import Evidence, Layout, encode_exam
from cmexam_baseline.encoders.settings import EncoderSettings
from cmexam_baseline.encoders.tokens import Template, TextTokenizer
from cmexam_baseline.encoders.training_report import TrainingReport
from cmexam_baseline.exam.errors import InputError
from cmexam_baseline.exam.exam import Exam
from cmexam_baseline.exam.io.files import new_folder, write_atomically
from cmexam_baseline.exam.io.manifest import read_manifest, write_manifest
from cmexam_baseline.exam.progress import Progress, no_progress

if TYPE_CHECKING:
    from cmexam_baseline.encoders.heads import Scorer

DESCRIPTION = "encoder.json"
CHECKSUMS = "checksums.json"
HEAD = "head.safetensors"
ADAPTER = "adapter"
_FORMAT = 3
_CHECKSUMS_OF = ("cmexam-baseline encoder", 1)


@dataclass(frozen=True)
class Description:
    """Settings, layout, special tokens, and how scores become answers: what prediction needs besides weights.

    `base` names the pretrained model and the SHA-256 of its weights; where a prefix was trained, the folder
    has no other. `evidence` is what it was trained with: sentences per `question`, per `option`, or "".
    """

    settings: EncoderSettings
    template: Template
    layout: Layout
    decision: Decision
    evidence: str = ""
    report: TrainingReport = field(default_factory=TrainingReport)
    base: dict[str, str] = field(default_factory=dict)

    def batches(
        self, exam: Exam, tokenizer: TextTokenizer, evidence: Evidence | None = None,
        progress: Progress = no_progress,
    ) -> Batches:  # fmt: skip
        """An exam as this model reads it."""
        most = self.settings.evidence_tokens
        sequences = encode_exam(exam, tokenizer, self.layout, evidence, most, progress)
        return Batches(sequences, self.template, exam.answers)

    def to_json(self) -> str:
        """As the text of `encoder.json`."""
        values = {"format": _FORMAT, **asdict(self), "decision": self.decision.to_dict()}
        return json.dumps(values, ensure_ascii=False, indent=1)

    @classmethod
    def read(cls, folder: Path) -> Description:
        """The description in a folder; raises `InputError` naming it if it is missing or cannot be read."""
        path = folder / DESCRIPTION
        try:
            values = json.loads(path.read_text(encoding="utf-8"))
            if values["format"] != _FORMAT:
                raise InputError(
                    f"{path} has format {values['format']}, expected {_FORMAT}; train the model again with this"
                    " version of cmexam-baseline, or install the version that wrote it"
                )
            template: dict[str, Any] = {
                name: tuple(one) if isinstance(one, list) else one for name, one in values["template"].items()
            }
            return cls(
                EncoderSettings.from_dict(values["settings"], str(path)),
                Template(**template),
                Layout(**values["layout"]),
                Decision.from_dict(values["decision"]),
                values["evidence"],
                TrainingReport.from_dict(values["report"]),
                dict(values["base"]),
            )
        except OSError as error:
            raise InputError(
                f"{path} cannot be read: {error.strerror or error}; give a trained model"
            ) from error
        except InputError:
            raise
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise InputError(f"{path} describes no encoder ({error!r}); train the model again") from error


def save_model(
    folder: Path, scorer: Scorer, tokenizer: Any, description: Description, overwrite: bool = False
) -> None:
    """Write model, tokenizer and description to a new folder; raises `InputError` if it is taken.

    Models are in transformers' form: with the standard pairwise head `AutoModelForMultipleChoice` loads the
    folder, otherwise `AutoModel` does, and `head.safetensors` has the head. A prefix is in peft's form in
    `adapter/`, beside `head.safetensors`.
    """
    from safetensors.torch import save_file

    from cmexam_baseline.encoders.heads import MultipleChoiceScorer
    from cmexam_baseline.encoders.models import quiet

    with save_errors(folder), new_folder(folder, overwrite) as temporary, quiet():
        for adapter in scorer.adapter:
            # "auto" would ask the hub whether the base model's vocabulary has grown; it has not.
            adapter.save_pretrained(temporary / ADAPTER, safe_serialization=True, save_embedding_layers=False)
            (temporary / ADAPTER / "README.md").unlink(missing_ok=True)
        if not scorer.adapter:
            whole = scorer.model if isinstance(scorer, MultipleChoiceScorer) else scorer.encoder
            whole.save_pretrained(temporary)
        if scorer.adapter or not isinstance(scorer, MultipleChoiceScorer):
            head = {name: p.detach().cpu().contiguous() for name, p in scorer.head_parameters().items()}
            save_file(head, temporary / HEAD)
        tokenizer.save_pretrained(temporary)
        write_atomically(temporary / DESCRIPTION, description.to_json())
        # safetensors makes files that only their owner can read.
        for path in temporary.rglob("*.safetensors"):
            path.chmod((temporary / DESCRIPTION).stat().st_mode & 0o777)
        write_checksums(temporary)


def write_checksums(folder: Path) -> None:
    """Write the SHA-256 of every file that is in the folder of an encoder now."""
    write_manifest(folder, CHECKSUMS, *_CHECKSUMS_OF)


def check_files(folder: Path) -> None:
    """Raise `InputError` if a file of a saved encoder is missing or was changed; earlier versions wrote no checksums."""
    if (folder / CHECKSUMS).exists():
        read_manifest(folder, CHECKSUMS, *_CHECKSUMS_OF)


def load_model(folder: Path, description: Description) -> Scorer:
    """The scorer in a folder, in eval mode; raises `InputError` if it is damaged or its base has changed."""
    import numpy as np

    from cmexam_baseline.encoders.heads import MultipleChoiceScorer, build_scorer
    from cmexam_baseline.encoders.models import find_model, weights_fingerprint
    from cmexam_baseline.encoders.optimization import apply_tuning

    settings, base = description.settings, description.base
    size_bias = np.array(description.decision.size_bias)
    if settings.tuning != "prefix":
        # LoRA is merged: the folder has the whole model.
        scorer = build_scorer(folder, replace(settings, tuning="full", dropout=None), size_bias, True)
    else:
        from peft import set_peft_model_state_dict
        from safetensors.torch import load_file

        base_folder = find_model(base["model"])
        if weights_fingerprint(base_folder) != base["fingerprint"]:
            raise InputError(
                f"{base_folder} has other weights than {folder} was trained on; give the same model"
            )
        scorer = build_scorer(base_folder, settings, size_bias)
        apply_tuning(scorer, settings)
        with _damage(folder):
            weights = load_file(folder / ADAPTER / "adapter_model.safetensors")
            set_peft_model_state_dict(scorer.adapter[0], weights)
    if scorer.adapter or not isinstance(scorer, MultipleChoiceScorer):
        load_head(scorer, folder)
    if settings.freeze_layers:
        scorer.freeze(settings.freeze_layers)
    return scorer.eval()


def load_head(scorer: Scorer, folder: Path) -> None:
    """Read the head that `save_model` wrote; raises `InputError` if it is damaged."""
    import torch
    from safetensors.torch import load_file

    with _damage(folder), torch.no_grad():
        stored = load_file(folder / HEAD)
        for name, parameter in scorer.head_parameters().items():
            parameter.copy_(stored[name])


def trained_settings(model: str) -> dict[str, Any]:
    """The settings of the trained encoder in a folder (a model or a run); none for other folders and names."""
    from cmexam_baseline.encoders.models import trained_folder

    folder = trained_folder(Path(model).expanduser())
    return {} if folder is None else Description.read(folder).settings.to_dict()


@contextmanager
def save_errors(folder: Path) -> Iterator[None]:
    """Raise `InputError` where tensors cannot be written; safetensors has its own error for that."""
    from safetensors import SafetensorError

    try:
        yield
    except SafetensorError as error:
        raise InputError(f"{folder} cannot be written: {error}; free some space") from error


@contextmanager
def _damage(folder: Path) -> Iterator[None]:
    from safetensors import SafetensorError

    try:
        yield
    except (OSError, KeyError, RuntimeError, SafetensorError) as error:
        raise InputError(f"{folder} is damaged ({error}); train the model again") from error
