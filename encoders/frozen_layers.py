"""Frozen lower layers, and their output in a cache on disk, so that only the upper layers are computed per step."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from cmexam_baseline.encoders.batches import Batches, TensorBatch, load_batches
from cmexam_baseline.encoders.cache import fingerprint, place_in_cache, prune
from cmexam_baseline.encoders.runtime import Runtime
from cmexam_baseline.exam.errors import InputError
from cmexam_baseline.exam.io.locks import locked
from cmexam_baseline.exam.progress import DetailedStage, Progress

if TYPE_CHECKING:
    from cmexam_baseline.encoders.heads import Scorer

_MAX_HALF = 65504.0
_VERSION = "1"
_KEEP_FREE = 1 << 30
_GROUPS_PER_FLUSH = 64
_SECONDS_TO_WAIT = 1.0


class LowerLayers:
    """The embeddings and the lowest layers of an encoder, frozen in place.

    Their output is rounded to float16 whether it is computed or read from `states`, so that a run is the same
    with a cache and without. `states` (S, L, hidden size), if set, is taken for their output.
    """

    def __init__(self, encoder: Any, n_layers: int) -> None:
        layers = _layers(encoder)
        self.n_layers = n_layers
        if n_layers > len(layers):
            raise InputError(f"freeze_layers is {n_layers}, but the encoder has {len(layers)} layers")
        self.states: Tensor | None = None
        self._captured: Callable[[Tensor], None] | None = None
        self._result_length: int | None = None
        above = [*layers[n_layers:], *(m for name, m in encoder.named_children() if name in _ABOVE)]
        trained = {id(parameter) for module in above for parameter in module.parameters()}
        for parameter in encoder.parameters():
            if id(parameter) not in trained:
                parameter.requires_grad_(False)
        open_modules = {id(inner) for module in above for inner in module.modules()}
        self._frozen = [
            module
            for module in encoder.modules()
            if id(module) not in open_modules and not any(id(p) in trained for p in module.parameters())
        ]
        for number, layer in enumerate(layers[:n_layers]):
            layer.forward = self._frozen_forward(layer.forward, number == n_layers - 1)
        with torch.no_grad():  # finds out in what form this kind of layer returns its states
            training = encoder.training
            encoder.eval()
            device = next(encoder.parameters()).device
            encoder(input_ids=torch.full((1, 2), 5, device=device))
            encoder.train(training)

    def eval(self) -> None:
        """Put the frozen modules into eval mode."""
        for module in self._frozen:
            module.training = False

    @contextmanager
    def capture(self) -> Iterator[list[Tensor]]:
        """Stop each pass of the encoder above the frozen layers, and collect their output in float16."""
        found: list[Tensor] = []
        self._captured = found.append
        try:
            yield found
        finally:
            self._captured = None

    def _frozen_forward(self, forward: Callable[..., Any], is_top: bool) -> Callable[..., Any]:
        def frozen(hidden_states: Tensor, *arguments: Any, **named: Any) -> Any:
            if self.states is not None:
                return self._as_result(self.states.to(hidden_states.dtype) if is_top else hidden_states)
            with torch.no_grad():
                result = forward(hidden_states, *arguments, **named)
            if self._result_length is None:
                self._result_length = len(result) if isinstance(result, tuple) else 0
            if not is_top:
                return result
            states = result[0] if isinstance(result, tuple) else result
            halves = states.detach().clamp(-_MAX_HALF, _MAX_HALF).to(torch.float16)
            if self._captured is not None:
                self._captured(halves)
                raise _Captured
            rounded = halves.to(states.dtype)
            return (rounded, *result[1:]) if isinstance(result, tuple) else rounded

        return frozen

    def _as_result(self, states: Tensor) -> Any:
        return (states, *[None] * (self._result_length - 1)) if self._result_length else states


class _Captured(Exception):
    """Ends a pass whose upper layers are not needed."""


# Parts of an encoder above its layers.
_ABOVE = ("pooler", "final_norm")


def _layers(encoder: Any) -> nn.ModuleList:
    n_layers = encoder.config.num_hidden_layers
    for module in encoder.modules():
        if isinstance(module, nn.ModuleList) and len(module) == n_layers:
            return module
    raise InputError(
        f"the layers of a {encoder.config.model_type} model cannot be frozen; use `freeze_layers=0`"
    )


def cache_states(
    scorer: Scorer, batches: Batches, runtime: Runtime, max_tokens: int, max_bytes: int, weights: str,
    used: int = 0, progress: Progress | None = None,
) -> int:  # fmt: skip
    """Give `batches` the output of the scorer's frozen layers for every token; returns its size in bytes.

    It lies in the user's cache, float16, memory-mapped, under a fingerprint of `weights`, layers and tokens; an
    interrupted computation is resumed. 0 if there is no cache folder, or if it and the `used` bytes of this run's
    other exam exceed `max_bytes`, or if the disk is too full: then it is computed at every step.
    """
    if scorer.lower is None or not len(batches):
        return 0
    shape = (len(batches.sequences.ids), int(scorer.encoder.config.hidden_size))
    n_bytes = shape[0] * shape[1] * 2
    path = place_in_cache("hidden", f"{_fingerprint(scorer, batches, runtime, weights)}.f16")
    if path is None or used + n_bytes > max_bytes:
        _say(progress, f"not cached: {n_bytes / 1e9:.1f} GB needed, {max_bytes / 1e9:.1f} allowed")
        return 0
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if runtime.rank == 0 and not _is_whole(path, n_bytes):
        prune(path.parent, max_bytes - n_bytes, ("*.f16", "*.partial"), keep=path.with_suffix(".partial"))
    # Every process decides alike: the disk is asked before any of them writes.
    enough = path.exists() or shutil.disk_usage(path.parent).free > n_bytes + _KEEP_FREE
    if not min(runtime.gather(int(enough))):
        _say(progress, f"not cached: {n_bytes / 1e9:.1f} GB needed, the disk has less")
        return 0
    while not min(runtime.gather(int(_is_whole(path, n_bytes)))):
        with ExitStack() as stack:
            busy = 0
            try:
                if runtime.rank == 0:
                    stack.enter_context(locked(_started(path, shape), "wait"))
            except (InputError, FileNotFoundError):  # another run computes the same
                busy = 1
            if max(runtime.gather(busy)):
                _say(progress, "waiting for another run that computes the same")
                time.sleep(_SECONDS_TO_WAIT)
            elif min(
                runtime.gather(int(_is_whole(path, n_bytes)))
            ):  # another run finished before the lock was free
                path.with_suffix(".partial").unlink(missing_ok=True)
            else:
                _compute(scorer, batches, runtime, max_tokens, path, shape, progress)
    if runtime.rank == 0:
        path.touch()
    _say(progress, f"{n_bytes / 1e9:.2f} GB in {path}")
    batches.states = np.memmap(path, np.float16, "r", shape=shape)
    return n_bytes


def _started(path: Path, shape: tuple[int, int]) -> Path:
    """The file that is being written; made where a killed run has not left it."""
    partial = path.with_suffix(".partial")
    if not _is_whole(partial, shape[0] * shape[1] * 2):
        for old in path.parent.glob(f"{path.stem}.done-*"):
            old.unlink()
        np.memmap(partial, np.float16, "w+", shape=shape).flush()
    return partial


def _compute(
    scorer: Scorer, batches: Batches, runtime: Runtime, max_tokens: int, path: Path,
    shape: tuple[int, int], progress: Progress | None,
) -> None:  # fmt: skip
    """Write the file at `path`, by all processes together; groups that a killed run finished are kept."""
    partial, marker = path.with_suffix(".partial"), path.with_suffix(f".done-{runtime.rank}-{runtime.world}")
    states: NDArray[np.float16] = np.memmap(partial, np.float16, "r+", shape=shape)
    groups = batches.by_length(max_tokens)[runtime.rank :: runtime.world]
    finished = _finished(marker, f"{max_tokens} ")
    done = sum(len(group) for group in groups[:finished])
    training = scorer.training
    scorer.eval()
    with torch.no_grad():
        loader = load_batches(batches, groups[finished:], runtime.device, workers=0)
        for number, batch in enumerate(loader if groups[finished:] else (), finished + 1):
            _write(states, batches, groups[number - 1], _states_of(scorer, batch.to(runtime.device), runtime))
            done += len(batch.questions)
            if number % _GROUPS_PER_FLUSH == 0:
                states.flush()  # type: ignore[attr-defined]  # a memmap
                marker.write_text(f"{max_tokens} {number}", encoding="utf-8")
            if progress is not None:
                progress("caching frozen layers", min(done * runtime.world, len(batches)), len(batches))
    scorer.train(training)
    states.flush()  # type: ignore[attr-defined]  # a memmap
    runtime.wait()
    marker.unlink(missing_ok=True)
    if runtime.rank == 0:
        partial.replace(path)
    runtime.wait()


def _states_of(scorer: Scorer, batch: TensorBatch, runtime: Runtime) -> Tensor:
    from cmexam_baseline.encoders.scoring import run_scorer

    assert scorer.lower is not None
    with scorer.lower.capture() as found, suppress(_Captured):
        run_scorer(scorer, batch, runtime)
    return found[0]


def _write(states: NDArray[np.float16], batches: Batches, questions: Any, found: Tensor) -> None:
    """Put the states (S, L, hidden size) of these questions, without padding, where their tokens are."""
    data, row = batches.sequences, 0
    arrays = found.cpu().numpy()
    for question in questions:
        for sequence in range(data.firsts[question], data.firsts[question + 1]):
            start, end = data.offsets[sequence], data.offsets[sequence + 1]
            states[start:end] = arrays[row, : end - start]
            row += 1


def _finished(marker: Path, start: str) -> int:
    try:
        text = marker.read_text(encoding="utf-8")
    except OSError:
        return 0
    return int(text.removeprefix(start)) if text.startswith(start) else 0


def _is_whole(path: Path, n_bytes: int) -> bool:
    return path.is_file() and path.stat().st_size == n_bytes


def _fingerprint(scorer: Scorer, batches: Batches, runtime: Runtime, weights: str) -> str:
    assert scorer.lower is not None
    data = batches.sequences
    arrays: list[NDArray[Any]] = [data.ids, data.segments, data.offsets, data.firsts]
    if data.positions is not None:
        arrays.append(data.positions)
    how = f"{_VERSION} {scorer.lower.n_layers} {runtime.device.type} {runtime.precision} {batches.template}"
    return fingerprint([how, weights, *(array.tobytes() for array in arrays)])


def _say(progress: Progress | None, text: str) -> None:
    if progress is not None:
        progress(DetailedStage("caching frozen layers", text), 1, 1)
