"""How often extraction reads public model replies as a reader does who labelled them beforehand.

The replies are not part of this repository. Clone their sources and name the clones:

    git clone https://github.com/open-compass/LawBench
    git clone https://github.com/TIGER-AI-Lab/MMLU-Pro
    python benchmarks/extraction_agreement.py --lawbench LawBench --mmlu-pro MMLU-Pro

`extraction_labels.csv` holds the letters that the reader found, empty for no answer; `note` marks replies on
which readers may differ. Disagreements are printed, then a table.
"""

from __future__ import annotations

import argparse
import csv
import json
import re
import zipfile
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

from cmexam_baseline.scoring import extract

LABELS = Path(__file__).with_name("extraction_labels.csv")
# Chat templates of the models continue the last option of a prompt.
TEMPLATE = re.compile(r"\s*(?:\n|<\||<eo|</s>|### ?|韩非|\[\|).*$", re.DOTALL)
OPTIONS = re.compile(r"A:(.*?)[;；]?B:(.*?)[;；]?C:(.*?)[;；]?D:(.*?)[。;；]?\s*$", re.DOTALL)
INSTRUCTION_ENDS = "严格按照这个格式回答。"

Reply = tuple[str, list[str], str]  # stem, options, text


@lru_cache(maxsize=4)
def _lawbench(clone: Path, model: str) -> dict[str, Any]:
    file = clone / "predictions" / "zero_shot" / model / "1-2.json"
    replies: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return replies


def lawbench_reply(clone: Path, model: str, question: str) -> Reply:
    """A reply to question `question` of LawBench's task 1-2 and what was asked."""
    row = _lawbench(clone, model)[question]
    prompt = row["origin_prompt"]
    if not isinstance(prompt, str):
        prompt = prompt[-1 if len(prompt) == 1 else 0]["prompt"]
    asked = prompt.split("\n", 1)[-1].strip()
    start = asked.rfind("A:")
    options = OPTIONS.search(asked[start:])
    if options is None:
        raise SystemExit(
            f"{clone}: question {question} of {model} has no options A–D; use the version of 2023"
        )
    stem = asked[:start].split(INSTRUCTION_ENDS)[-1].strip()
    return stem, [TEMPLATE.sub("", option.strip()) for option in options.groups()], row["prediction"]


@lru_cache(maxsize=4)
def _mmlu_pro(clone: Path, model: str) -> dict[str, Any]:
    with zipfile.ZipFile(clone / "eval_results" / f"model_outputs_{model}_5shots.zip") as archive:
        name = next(n for n in archive.namelist() if n.endswith(".json") and "__MACOSX" not in n)
        rows = json.loads(archive.read(name))
        return {str(row["question_id"]): row for row in rows if isinstance(row, dict)}


def mmlu_pro_reply(clone: Path, model: str, question: str) -> Reply:
    """A reply to question `question` of MMLU-Pro and what was asked."""
    row = _mmlu_pro(clone, model)[question]
    return row["question"], row["options"], row.get("generated_text") or row["model_outputs"]


def agreements(lawbench: Path, mmlu_pro: Path) -> Iterator[tuple[dict[str, str], str, str]]:
    """Every label with the letters that were read and the rule that read them."""
    with LABELS.open(encoding="utf-8", newline="") as file:
        labels = sorted(csv.DictReader(file), key=lambda label: (label["source"], label["model"]))
    for label in labels:
        key = label["model"], label["question"]
        is_law = label["source"] == "lawbench"
        stem, options, text = lawbench_reply(lawbench, *key) if is_law else mmlu_pro_reply(mmlu_pro, *key)
        found = extract(text, options, stem)
        yield label, found.letters or "", found.rule


def main() -> None:
    """Print disagreements and the share of agreement by sample and source."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--lawbench", type=Path, required=True)
    parser.add_argument("--mmlu-pro", type=Path, required=True)
    arguments = parser.parse_args()
    counts: Counter[tuple[str, str, str, bool]] = Counter()
    for label, letters, rule in agreements(arguments.lawbench, arguments.mmlu_pro):
        agrees = letters == label["choice"]
        counts[label["sample"], label["source"], label["note"], agrees] += 1
        if not agrees:
            print(*label.values(), f"read as {letters or 'none'} by {rule or 'no rule'}", sep="  ")
    for sample, source in sorted({key[:2] for key in counts}):
        clear = [counts[sample, source, "", agrees] for agrees in (True, False)]
        every = [
            n + counts[sample, source, "debatable", agrees]
            for n, agrees in zip(clear, (True, False), strict=True)
        ]
        shares = "  ".join(f"{n} of {n + other} ({n / (n + other):.1%})" for n, other in (every, clear))
        print(f"sample {sample}, {source}: {shares} without debatable ones")


if __name__ == "__main__":
    main()
