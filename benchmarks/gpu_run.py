"""What the parts of `gpu.py` share: data, sizes, the time that is left, and the results so far."""

from __future__ import annotations

import gc
import itertools
import json
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from cmexam_baseline.encoders import EncoderBaseline
from cmexam_baseline.encoders.devices import DeviceFacts, device_facts
from cmexam_baseline.encoders.training import Step
from cmexam_baseline.encoders.training_report import TrainingReport
from cmexam_baseline.exam import Exam
from cmexam_baseline.exam.io.files import write_atomically

Row = dict[str, Any]
SHAPES = {
    "bert-base": {"hidden_size": 768, "num_hidden_layers": 12, "num_attention_heads": 12},
    "roberta-large": {"hidden_size": 1024, "num_hidden_layers": 24, "num_attention_heads": 16},
}
TINY = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}


class TimeIsUp(Exception):
    """The minutes are over."""


@dataclass
class Bench:
    """What all parts need: data, sizes, the time that is left, and the results so far."""

    train: Exam
    val: Exam
    model: str
    out: Path
    minutes: float
    tiny: bool
    gigabytes: float
    facts: DeviceFacts = field(default_factory=device_facts)
    results: dict[str, list[Row]] = field(default_factory=dict)
    began: float = field(default_factory=time.monotonic)

    @property
    def left(self) -> float:
        """Seconds that are left."""
        return 60 * self.minutes - (time.monotonic() - self.began)

    @property
    def on_gpu(self) -> bool:
        """Whether there is a GPU."""
        return self.facts.kind == "cuda"

    def steps(self, wanted: int) -> int:
        """A number of steps, or 2 where sizes are tiny."""
        return 2 if self.tiny else wanted

    def precisions(self) -> list[str]:
        """fp16, and bf16 where the device has it."""
        return ["fp16", "bf16"] if not self.on_gpu or self.facts.capability >= (8, 0) else ["fp16"]

    def settings(self, model: str | None = None, **changes: Any) -> dict[str, Any]:
        """Settings of a short training without dropout."""
        common = {
            "model": model or self.model,
            "epochs": 1,
            "dropout": 0.0,
            "schedule": "constant",
            "patience": 0,
        }
        sizes = {"batch_size": 4, "max_length": 64} if self.tiny else {"batch_size": 16}
        return {**common, **sizes, **changes}

    def random_model(self, shape: str, folder: Path) -> str:
        """A BERT of random weights in this shape whose tokenizer knows the characters of the questions."""
        from transformers import BertConfig, BertModel, BertTokenizerFast

        characters = dict.fromkeys("".join([*self.train.questions, *self.train.option_texts]))
        special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
        vocabulary = [*special, *(one for one in characters if one.strip())]
        (folder / "vocab.txt").write_text("\n".join(vocabulary), encoding="utf-8")
        sizes = TINY if self.tiny else SHAPES[shape]
        config = BertConfig(
            vocab_size=21128, intermediate_size=4 * sizes["hidden_size"], max_position_embeddings=512, **sizes
        )
        torch.manual_seed(0)
        BertModel(config).save_pretrained(folder)
        BertTokenizerFast(str(folder / "vocab.txt")).save_pretrained(folder)
        return str(folder)

    def add(self, part: str, row: Row) -> None:
        """Keep a row, and write all files anew."""
        self.results.setdefault(part, []).append(row)
        header = {"device": self.facts.name, "torch": self.facts.torch_version, "minutes": self.minutes}
        content = json.dumps({**header, "results": self.results}, indent=1, ensure_ascii=False)
        write_atomically(self.out / "gpu.json", content)
        lines = ["# On a GPU", "", f"{self.facts.name}, torch {self.facts.torch_version}"]
        for name, rows in self.results.items():
            columns = list(dict.fromkeys(itertools.chain.from_iterable(rows)))
            lines += ["", f"## {name}", "", f"| {' | '.join(columns)} |", "|---" * len(columns) + "|"]
            lines += [f"| {' | '.join(_shown(row.get(column, '')) for column in columns)} |" for row in rows]
        write_atomically(self.out / "gpu.md", "\n".join(lines) + "\n")

    def check(self, *ignored: object) -> None:
        """Raise `TimeIsUp` when it is."""
        if self.left < 0:
            raise TimeIsUp

    def fit(self, settings: dict[str, Any], losses: list[float] | None = None) -> TrainingReport:
        """Train on the questions, and collect the losses of the steps."""
        found = [] if losses is None else losses

        def collect(step: Step) -> None:
            found.append(step.loss)
            self.check()

        free()
        return EncoderBaseline(**settings, on_step=collect).fit(self.train).report_


def free() -> None:
    """Give back the memory of models that are gone, so that no figure holds another's."""
    gc.collect()
    torch.cuda.empty_cache()


def _shown(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
