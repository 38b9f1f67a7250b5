"""What a saved encoder is, beside its weights; readable without torch."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

from cmexam_baseline.encoders.decision import Answering
from cmexam_baseline.encoders.sequences import Layout
from cmexam_baseline.encoders.settings import EncoderSettings
from cmexam_baseline.encoders.tokens import Template
from cmexam_baseline.encoders.training_report import TrainingReport
from cmexam_baseline.exam.errors import InputError

DESCRIPTION = "encoder.json"
_FORMAT = 1


@dataclass(frozen=True)
class Description:
    """Settings, layout, special tokens, and how scores become answers: what prediction needs beside scores.

    `base` names the pretrained model and the fingerprint of its weights where the folder has but an adapter.
    `evidence` is what it was trained with: sentences a `question`, an `option`, or "".
    """

    settings: EncoderSettings
    template: Template
    layout: Layout
    answering: Answering
    evidence: str = ""
    report: TrainingReport = field(default_factory=TrainingReport)
    base: dict[str, str] | None = None

    def to_json(self) -> str:
        """As the text of `encoder.json`."""
        values = {
            "format": _FORMAT,
            "settings": self.settings.to_dict(),
            "template": self.template.to_dict(),
            "layout": vars(self.layout),
            "answering": self.answering.to_dict(),
            "evidence": self.evidence,
            "report": self.report.to_dict(),
            "base": self.base,
        }
        return json.dumps(values, ensure_ascii=False, indent=1)

    @classmethod
    def read(cls, folder: Path) -> Description:
        """The description in a folder; raises `InputError` naming it if it is missing or cannot be read."""
        path = folder / DESCRIPTION
        try:
            values = json.loads(path.read_text(encoding="utf-8"))
            if values["format"] != _FORMAT:
                raise InputError(f"{path} has format {values['format']}; update cmexam-baseline")
            return cls(
                EncoderSettings.from_dict(values["settings"], str(path)),
                Template.from_dict(values["template"]),
                Layout(**values["layout"]),
                Answering.from_dict(values["answering"]),
                values["evidence"],
                TrainingReport.from_dict(values["report"]),
                values["base"],
            )
        except OSError as error:
            raise InputError(
                f"{path} cannot be read: {error.strerror or error}; give a trained model"
            ) from error
        except (json.JSONDecodeError, UnicodeDecodeError, KeyError, TypeError) as error:
            raise InputError(f"{path} describes no encoder ({error!r}); train the model again") from error
