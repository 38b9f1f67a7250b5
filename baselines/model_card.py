"""The model card of a run: what it was trained on, what it scores, how it is loaded."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from cmexam_baseline.exam.io.text_formats import markdown_table
from cmexam_baseline.exam.published import EXPLANATION_FIGURES

_KINDS = {
    "lightgbm": "LightGBM on TF-IDF and retrieval features",
    "encoder": "a fine-tuned encoder with a multiple-choice head",
    "ensemble": "LightGBM and an encoder together",
}
_CARD = """---
language: zh
library_name: cmexam-baseline
license: other
license_name: research-use
tags:
- medical
- multiple-choice
- {kind}
---

# {kind}, seed {seed}

{described}, trained with cmexam-baseline {version}. It answers multiple-choice questions of the Chinese medical \
licensing examination with one or several letters. It is a baseline for research, and no source of medical advice.

## Figures

Percent, 95% intervals in brackets.

{figures}
## Data

{data}
The model was chosen and tuned on val; test was read for the figures above only.

## Load

```text
cmexam-baseline predict FOLDER exam.csv -o predictions.csv
```

```python
from cmexam_baseline import baselines, exam

predictions = baselines.load_run("FOLDER").predict(exam.read_exam("exam.csv"))
```
{head}
## Settings

```json
{settings}
```

## Licence

CMExam's files are for academic and research use, and so is a model trained on them. The bundled sample exam and \
cmexam-baseline are Apache-2.0. Please cite Liu et al., Benchmarking Large Language Models on CMExam, NeurIPS 2023.
"""
_HEAD = """
The head is this package's own. `transformers.AutoModel` loads the encoder without it, and
`AutoModelForMultipleChoice` puts a head of random weights in its place, so load the run as shown above.
"""


def model_card(config: Mapping[str, Any], scores: Mapping[str, Any]) -> str:
    """README.md of a run folder, with the header that the Hugging Face hub reads.

    config: the content of config.json
    scores: the content of scores.json

    >>> config = {"model": "lightgbm", "seed": 0, "settings": {"bag": 1}, "versions": {"cmexam-baseline": "0.1.0"},
    ...           "data": {"train": {"rows": 9, "left_out": 1, "fingerprint": "ab12"}}}
    >>> score = {"n": 4, "accuracy": 0.5, "accuracy_interval": [0.15, 0.85], "weighted_f1": 0.4}
    >>> card = model_card(config, {"test": score})
    >>> next(line for line in card.splitlines() if line.startswith("| test"))
    '| test | 4 | 50.0 [15.0, 85.0] | – | 40.0 |'
    """
    kind = config["model"]
    described = _KINDS.get(kind, kind)
    data = [
        (name, f"{about['rows']:,}", f"{about['left_out']:,}", f"`{about['fingerprint'][:16]}`")
        for name, about in config["data"].items()
    ]
    header = ("split", "questions", "rows omitted", "fingerprint (SHA-256)")
    return _CARD.format(
        kind=kind,
        seed=config["seed"],
        described=f"{described[0].upper()}{described[1:]}",
        version=config["versions"].get("cmexam-baseline", ""),
        figures=_figures({name: found for name, found in scores.items() if "accuracy" in found}),
        data=markdown_table(header, data, (header[0], header[-1])),
        head="" if kind == "lightgbm" else _HEAD,
        settings=json.dumps(config["settings"], ensure_ascii=False, indent=2),
    )


def _figures(scores: Mapping[str, Mapping[str, Any]]) -> str:
    explained = [key for key in EXPLANATION_FIGURES if any("explanations" in one for one in scores.values())]
    header = ["split", "questions", "accuracy", "without overlap with train", "weighted F1"]
    rows = []
    for name, score in scores.items():
        texts = score.get("explanations", {})
        rows.append(
            [
                *(name, f"{score['n']:,}", _share(score), _share(score.get("without_overlap", {}))),
                f"{100 * score['weighted_f1']:.1f}",
                *(f"{texts[key]:.1f}" if texts else "–" for key in explained),
            ]
        )
    return markdown_table([*header, *(EXPLANATION_FIGURES[key] for key in explained)], rows, header[:1])


def _share(score: Mapping[str, Any]) -> str:
    if score.get("accuracy") is None:
        return "–"
    low, high = score["accuracy_interval"]
    return f"{100 * score['accuracy']:.1f} [{100 * low:.1f}, {100 * high:.1f}]"
