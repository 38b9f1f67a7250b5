"""What nobody can do without: reading both texts of all pairs from a file, decoding them, and one sort."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import numpy as np
from comparison import time_once
from pairs import BenchmarkPairs


def floor_seconds(pairs: BenchmarkPairs, repeats: int = 5) -> dict[str, float]:
    """Best seconds of each step: reading, decoding (UTF-8 and JSON), sorting (every token's number, 32 bits)."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "pairs.jsonl"
        rows = zip(pairs.references, pairs.predictions, strict=True)
        path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
        content = path.read_bytes()
        tokens = np.frombuffer("".join(pairs.references + pairs.predictions).encode("utf-32-le"), np.uint32)
        steps = {
            "reading": lambda: path.read_bytes(),
            "decoding": lambda: [json.loads(line) for line in content.decode("utf-8").splitlines()],
            "sorting": lambda: np.sort(tokens),
        }
        return {name: min(time_once(step) for _ in range(repeats)) for name, step in steps.items()}
