"""The state of a training run on disk, so that it can be killed at any moment."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from torch import Tensor

from cmexam_baseline.encoders.save_errors import writing
from cmexam_baseline.exam.errors import InputError
from cmexam_baseline.exam.io.digests import file_sha256
from cmexam_baseline.exam.io.files import new_folder, write_atomically
from cmexam_baseline.exam.io.locks import held

_KEPT = 2
_TENSORS = "tensors.safetensors"
_STATE = "state.json"


@dataclass
class Checkpoints:
    """Checkpoints of one run in a folder; `run` is the fingerprint of what is trained on what.

    A checkpoint is a folder `step-00000120` with tensors (safetensors) and state (JSON with the checksum of
    the tensors), written under another name and renamed when whole. The newest two are kept. The best
    weights so far lie beside them, once.
    """

    folder: Path
    run: str
    skipped: list[str] = field(default_factory=list)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keep others from training with this folder while the block lasts; `InputError` if one does."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with held(self.folder, "wait for it, or choose another place"):
            yield

    def save(self, step: int, tensors: dict[str, Tensor], state: dict[str, Any]) -> None:
        """Write a checkpoint; `state["best_file"]`, if there is one, is kept with it."""
        from safetensors.torch import save_file

        name = self.folder / _name(step)
        with writing(name), new_folder(name, overwrite=True) as temporary:
            save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, temporary / _TENSORS)
            state = {**state, "run": self.run, "sha256": file_sha256(temporary / _TENSORS)}
            write_atomically(temporary / _STATE, json.dumps(state))
        self._prune()

    def save_best(self, step: int, tensors: dict[str, Tensor]) -> dict[str, str]:
        """Write the best weights so far and return what the state must remember of them."""
        from safetensors.torch import save

        data = save({name: tensor.contiguous() for name, tensor in tensors.items()})
        name = f"best-{step:08d}.safetensors"
        self.folder.mkdir(parents=True, exist_ok=True)
        write_atomically(self.folder / name, data)
        return {"best_file": name, "best_sha256": hashlib.sha256(data).hexdigest()}

    def load(self) -> tuple[dict[str, Tensor], dict[str, Any], dict[str, Tensor] | None] | None:
        """Tensors, state and best weights of the newest whole checkpoint; None where there is none.

        Damaged ones are named in `skipped`. Raises `InputError` if the checkpoints are another run's.
        """
        for path in sorted(self.folder.glob("step-????????"), reverse=True):
            found = self._read(path)
            if found is not None:
                return found
            self.skipped.append(path.name)
        return None

    def remove_unfinished(self) -> None:
        """Remove what a killed run was writing."""
        for path in self.folder.glob(".*"):
            if path.name.startswith((".step-", ".best-")):
                shutil.rmtree(path) if path.is_dir() else path.unlink()

    def _read(self, path: Path) -> tuple[dict[str, Tensor], dict[str, Any], dict[str, Tensor] | None] | None:
        from safetensors import SafetensorError
        from safetensors.torch import load_file

        try:
            state = json.loads((path / _STATE).read_text(encoding="utf-8"))
            if state["run"] != self.run:
                raise InputError(
                    f"{self.folder} holds checkpoints of other data or settings; remove it or choose another"
                )
            if file_sha256(path / _TENSORS) != state["sha256"]:
                return None
            best = None
            if "best_file" in state:
                best_path = self.folder / Path(state["best_file"]).name
                if file_sha256(best_path) != state["best_sha256"]:
                    return None
                best = load_file(best_path)
            return load_file(path / _TENSORS), state, best
        except (OSError, json.JSONDecodeError, UnicodeDecodeError, KeyError, TypeError, SafetensorError):
            return None

    def _prune(self) -> None:
        kept = sorted(self.folder.glob("step-????????"), reverse=True)
        for path in kept[_KEPT:]:
            shutil.rmtree(path, ignore_errors=True)
        needed = set()
        for path in kept[:_KEPT]:
            try:
                needed.add(json.loads((path / _STATE).read_text(encoding="utf-8")).get("best_file"))
            except (OSError, json.JSONDecodeError, UnicodeDecodeError):
                continue
        for path in self.folder.glob("best-*.safetensors"):
            if path.name not in needed:
                path.unlink(missing_ok=True)


def _name(step: int) -> str:
    return f"step-{step:08d}"
