"""Frozen lower layers, and their output in a cache on disk, so that only the upper layers are computed per step."""

from __future__ import annotations

import errno
import os
import shutil
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from cmexam_baseline.encoders.batches import Batch, Batches, StatesFile
from cmexam_baseline.encoders.cache import fingerprint, place_in_cache, prune
from cmexam_baseline.encoders.runtime import Runtime
from cmexam_baseline.exam.errors import InputError
from cmexam_baseline.exam.io.files import locked
from cmexam_baseline.exam.progress import DetailedStage, Progress, no_progress

if TYPE_CHECKING:
    from cmexam_baseline.encoders.heads import Scorer

_STAGE = "caching frozen layers"
_MAX_HALF = 65504.0
_VERSION = "1"
_KEEP_FREE = 1 << 30
_GROUPS_PER_FLUSH = 64
_SECONDS_TO_WAIT = 1.0
# Of file systems that cannot take space beforehand.
_NO_FALLOCATE = (errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL)

# Parts of an encoder above its layers.
_ABOVE = ("pooler", "final_norm")


class LowerLayers:
    """The embeddings and the lowest layers of an encoder, frozen in place.

    Their output is rounded to float16 whether it is computed or read from `states`, so that a run is the same
    with a cache and without. `states` (S, L, hidden size), if set, is taken for their output; with `capture`
    set, a pass ends above them and raises `Captured` with their output.
    """

    def __init__(self, encoder: Any, n_layers: int) -> None:
        layers = _layers(encoder)
        self.n_layers = n_layers
        if n_layers > len(layers):
            raise InputError(f"freeze_layers is {n_layers}, but the encoder has {len(layers)} layers")
        self.states: Tensor | None = None
        self.capture = False
        self._result_length: int | None = None
        above = [*layers[n_layers:], *(m for name, m in encoder.named_children() if name in _ABOVE)]
        trained = {parameter for module in above for parameter in module.parameters()}
        for parameter in set(encoder.parameters()) - trained:
            parameter.requires_grad_(False)
        open_modules = {inner for module in above for inner in module.modules()}
        closed = (module for module in encoder.modules() if module not in open_modules)
        self._frozen = [module for module in closed if trained.isdisjoint(module.parameters())]
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

    def _frozen_forward(self, forward: Callable[..., Any], is_top: bool) -> Callable[..., Any]:
        def frozen(hidden_states: Tensor, *arguments: Any, **named: Any) -> Any:
            if self.states is not None:
                states = self.states.to(hidden_states.dtype) if is_top else hidden_states
                return (states, *[None] * (self._result_length - 1)) if self._result_length else states
            with torch.no_grad():
                result = forward(hidden_states, *arguments, **named)
            if self._result_length is None:
                self._result_length = len(result) if isinstance(result, tuple) else 0
            if not is_top:
                return result
            states = result[0] if isinstance(result, tuple) else result
            halves = states.detach().clamp(-_MAX_HALF, _MAX_HALF).to(torch.float16)
            if self.capture:
                raise Captured(halves)
            rounded = halves.to(states.dtype)
            return (rounded, *result[1:]) if isinstance(result, tuple) else rounded

        return frozen


class Captured(Exception):
    """Ends a pass whose upper layers are not needed; its argument is the output of the frozen layers."""


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
    used: int = 0, progress: Progress = no_progress,
) -> int:  # fmt: skip
    """Give `batches` the output of the scorer's frozen layers for every token; returns its size in bytes.

    It lies in the user's cache, float16, memory-mapped, under a fingerprint of `weights`, layers and tokens; an
    interrupted computation is resumed. 0 if there is no cache folder that can be written, if it and the `used` bytes
    of this run's other exam exceed `max_bytes`, or if the disk is too full: then it is computed at every step.
    """
    if scorer.lower is None or not len(batches):
        return 0
    shape = (len(batches.sequences.ids), int(scorer.encoder.config.hidden_size))
    n_bytes = shape[0] * shape[1] * 2

    def say(text: str) -> None:
        progress(DetailedStage(_STAGE, text), 1, 1)

    def everywhere(true: bool) -> bool:
        return bool(min(runtime.gather(int(true))))

    path = place_in_cache("hidden", f"{_fingerprint(scorer.lower, batches, runtime, weights)}.f16")
    if path is None or used + n_bytes > max_bytes:
        say(f"not cached: {n_bytes / 1e9:.1f} GB needed, {max_bytes / 1e9:.1f} allowed")
        return 0
    # Every process decides alike, before any of them writes.
    refused = "" if runtime.rank else _reserve(path, shape, max_bytes)
    if not everywhere(not refused):
        say(f"not cached: {refused}")
        return 0
    while not everywhere(_is_whole(path, n_bytes)):
        with ExitStack() as stack:
            free = True
            try:
                if runtime.rank == 0:
                    stack.enter_context(locked(_started(path, shape), "wait"))
            except (InputError, FileNotFoundError):  # another run computes the same
                free = False
            if not everywhere(free):
                say("waiting for another run that computes the same")
                time.sleep(_SECONDS_TO_WAIT)
            elif everywhere(_is_whole(path, n_bytes)):  # another run finished before the lock was free
                path.with_suffix(".partial").unlink(missing_ok=True)
            else:
                _compute(scorer, batches, runtime, max_tokens, path, shape, progress)
    batches.states = StatesFile(path, shape)
    if runtime.rank == 0:
        with suppress(OSError):  # a read-only cache is good enough
            path.touch()
    say(f"{n_bytes / 1e9:.2f} GB in {path}")
    return n_bytes


def _reserve(path: Path, shape: tuple[int, int], max_bytes: int) -> str:
    """Take the disk space of a file that is not whole yet; returns why it cannot be had, or ""."""
    partial, n_bytes = path.with_suffix(".partial"), shape[0] * shape[1] * 2
    if _is_whole(path, n_bytes):
        return ""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if prune(path.parent, max_bytes - n_bytes, ("*.f16", "*.partial"), keep=partial) > 0:
            return (
                f"{n_bytes / 1e9:.1f} GB needed, and other runs are writing the rest of {max_bytes / 1e9:.1f}"
            )
        has = getattr(partial.stat(), "st_blocks", 0) * 512 if partial.exists() else 0
        if shutil.disk_usage(path.parent).free <= n_bytes - has + _KEEP_FREE:
            return f"{n_bytes / 1e9:.1f} GB needed, the disk has less"
        _started(path, shape)
    except OSError as error:
        return f"{path.parent} cannot be written ({error.strerror or error})"
    return ""


def _started(path: Path, shape: tuple[int, int]) -> Path:
    """The file that is being written, with all its disk space; made where a killed run has not left it.

    A process that writes into mapped memory for which the disk has no space is killed without a word.
    """
    partial, n_bytes = path.with_suffix(".partial"), shape[0] * shape[1] * 2
    is_new = not _is_whole(partial, n_bytes)
    for old in path.parent.glob(f"{path.stem}.done-*") if is_new else ():
        old.unlink(missing_ok=True)
    # Never emptied: another run may be at the same place, or writing.
    descriptor = os.open(partial, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        os.ftruncate(descriptor, n_bytes)
        if hasattr(os, "posix_fallocate"):  # not on macOS
            os.posix_fallocate(descriptor, 0, n_bytes)
    except OSError as error:
        if error.errno not in _NO_FALLOCATE:
            if is_new:
                partial.unlink(missing_ok=True)
            raise
    finally:
        os.close(descriptor)
    return partial


def _compute(
    scorer: Scorer, batches: Batches, runtime: Runtime, max_tokens: int, path: Path,
    shape: tuple[int, int], progress: Progress,
) -> None:  # fmt: skip
    """Write the file at `path`, by all processes together; groups that a killed run finished are kept."""
    partial, marker = path.with_suffix(".partial"), path.with_suffix(f".done-{runtime.rank}-{runtime.world}")
    states = np.memmap(partial, np.float16, "r+", shape=shape)
    groups = batches.by_length(max_tokens)[runtime.rank :: runtime.world]
    finished = 0
    with suppress(OSError, ValueError):
        text = marker.read_text(encoding="utf-8")
        finished = int(text.removeprefix(f"{max_tokens} ")) if text.startswith(f"{max_tokens} ") else 0
    done = sum(len(group) for group in groups[:finished])
    training = scorer.training
    scorer.eval()
    with torch.no_grad():
        for number, batch in enumerate(batches.load(groups[finished:], runtime.device), finished + 1):
            tokens, at, _ = batches.places(groups[number - 1])
            found = _states_of(scorer, runtime.move(batch), runtime)
            states[tokens] = found.flatten(0, 1).cpu().numpy()[at]
            done += len(batch.questions)
            if number % _GROUPS_PER_FLUSH == 0:
                states.flush()
                marker.write_text(f"{max_tokens} {number}", encoding="utf-8")
            progress(_STAGE, min(done * runtime.world, len(batches)), len(batches))
    scorer.train(training)
    states.flush()
    runtime.wait()
    marker.unlink(missing_ok=True)
    if runtime.rank == 0:
        partial.replace(path)
    runtime.wait()


def _states_of(scorer: Scorer, batch: Batch[Tensor], runtime: Runtime) -> Tensor:
    from cmexam_baseline.encoders.scoring import run_scorer

    assert scorer.lower is not None
    scorer.lower.capture = True
    try:
        return run_scorer(scorer, batch, runtime)
    except Captured as pass_ended:
        states: Tensor = pass_ended.args[0]
        return states
    finally:
        scorer.lower.capture = False


def _is_whole(path: Path, n_bytes: int) -> bool:
    return path.is_file() and path.stat().st_size == n_bytes


def _fingerprint(lower: LowerLayers, batches: Batches, runtime: Runtime, weights: str) -> str:
    data = batches.sequences
    arrays: list[NDArray[Any]] = [data.ids, data.segments, data.offsets, data.firsts]
    if data.positions is not None:
        arrays.append(data.positions)
    how = f"{_VERSION} {lower.n_layers} {runtime.device.type} {runtime.precision} {batches.template}"
    return fingerprint([how, weights, *(array.tobytes() for array in arrays)])
