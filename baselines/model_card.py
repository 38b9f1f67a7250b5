"""The model card of a run: what it was trained on, what it scores, how it is loaded."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from cmexam_baseline.exam.published import EXPLANATION_FIGURES

_KINDS = {
    "lightgbm": "LightGBM on TF-IDF and retrieval features",
    "encoder": "a fine-tuned encoder with a multiple-choice head",
    "ensemble": "LightGBM with an encoder's out-of-fold option scores as features",
}
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
    splits = [name for name in scores if isinstance(scores[name], Mapping) and "accuracy" in scores[name]]
    parts = [
        _header(config),
        f"# {kind}, seed {config['seed']}",
        f"{described[0].upper()}{described[1:]}, trained with cmexam-baseline "
        f"{config['versions'].get('cmexam-baseline', '')}. It answers multiple-choice questions of the Chinese medical "
        "licensing examination with one or several letters. It is a baseline for research, and no source of medical advice.",
        "## Figures\n\nPercent, 95% intervals in brackets.\n\n" + "\n".join(_figures(scores, splits)),
        "## Data\n\n" + "\n".join(_data(config["data"])),
        "The model was chosen and tuned on val; test was read for the figures above only.",
        "## Load\n\n```text\ncmexam-baseline predict FOLDER exam.csv -o predictions.csv\n```\n\n"
        "```python\nfrom cmexam_baseline import baselines, exam\n\n"
        'predictions = baselines.load_run("FOLDER").predict(exam.read_exam("exam.csv"))\n```',
        *([_HEAD.strip()] if kind != "lightgbm" else []),
        "## Settings\n\n```json\n" + json.dumps(config["settings"], ensure_ascii=False, indent=2) + "\n```",
        "## Licence\n\nCMExam's files are for academic and research use, and so is a model trained on them. "
        "The bundled sample exam and cmexam-baseline are Apache-2.0. "
        "Please cite Liu et al., Benchmarking Large Language Models on CMExam, NeurIPS 2023.",
    ]
    return "\n\n".join(parts) + "\n"


def _header(config: Mapping[str, Any]) -> str:
    lines = ["language: zh", "library_name: cmexam-baseline", "license: other", "license_name: research-use"]
    lines += ["tags:", "- medical", "- multiple-choice", f"- {config['model']}"]
    return "\n".join(["---", *lines, "---"])


def _figures(scores: Mapping[str, Any], splits: list[str]) -> Iterator[str]:
    explained = [key for key in EXPLANATION_FIGURES if any("explanations" in scores[name] for name in splits)]
    headings = ["split", "questions", "accuracy", "without overlap with train", "weighted F1"]
    headings += [EXPLANATION_FIGURES[key] for key in explained]
    yield f"| {' | '.join(headings)} |"
    yield "|---|" + "---:|" * (len(headings) - 1)
    for name in splits:
        score = scores[name]
        cells = [name, f"{score['n']:,}", _share(score), _share(score.get("without_overlap"))]
        cells.append(f"{100 * score['weighted_f1']:.1f}")
        cells += [
            f"{score['explanations'][key]:.1f}" if "explanations" in score else "–" for key in explained
        ]
        yield f"| {' | '.join(cells)} |"


def _share(score: Mapping[str, Any] | None) -> str:
    if score is None or score.get("accuracy") is None:
        return "–"
    low, high = score["accuracy_interval"]
    return f"{100 * score['accuracy']:.1f} [{100 * low:.1f}, {100 * high:.1f}]"


def _data(data: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    yield "| split | questions | rows omitted | fingerprint (SHA-256) |"
    yield "|---|---:|---:|---|"
    for name, about in data.items():
        yield f"| {name} | {about['rows']:,} | {about['left_out']:,} | `{about['fingerprint'][:16]}` |"
