"""JSON of `score` and `compare`, held to its schema, and small prediction files to get it from."""

from __future__ import annotations

import csv
import json
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
from command_line import succeed


def report_of_command(*arguments: str | Path) -> dict[str, Any]:
    """What `score` or `compare` prints as JSON with these arguments, checked against the schema."""
    report: dict[str, Any] = json.loads(succeed(*arguments, "--json", "-q").stdout)
    schema = files("cmexam_baseline.scoring").joinpath("score.schema.json").read_text("utf-8")
    jsonschema.validate(report, json.loads(schema))
    return report


def csv_of(path: Path, **columns: list[str]) -> Path:
    """The file at `path`, written with these columns."""
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(columns)
        writer.writerows(zip(*columns.values(), strict=True))
    return path
