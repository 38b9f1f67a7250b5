"""Pretrained encoders: where their files are, and reading them without running anybody's code."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cmexam_baseline.exam import splits
from cmexam_baseline.exam.errors import InputError

NAMES = {
    "bert": ("bert-base-chinese", "google-bert/bert-base-chinese"),
    "roberta": ("hfl/chinese-roberta-wwm-ext-large",),
}
"""Short names of repositories on the hub; the first one that is cached is used, else the last is downloaded."""

_WEIGHTS = tuple(
    f"{name}{index}" for name in ("model.safetensors", "pytorch_model.bin") for index in ("", ".index.json")
)
_TOKENIZERS = ("tokenizer.json", "vocab.txt", "tokenizer_config.json", "sentencepiece.bpe.model", "spm.model")
# What a fingerprint covers of a tokenizer.
_TOKENIZER_FILES = ("*token*.json", "vocab.*", "merges.txt", "*.model")
_SMALL_FILES = ["*.json", "*.txt", "*.model"]


def find_model(name: str) -> Path:
    """The folder with an encoder: a local one, or the hub's cache, filled if the hub can be reached.

    `name` is `bert`, `roberta`, a repository on the hub or a folder. Raises `InputError` with one line that
    says how to get the weights. Cheap where the files are at hand, so call it before data are read.

    >>> find_model("no/such/folder")
    Traceback (most recent call last):
    cmexam_baseline.exam.errors.InputError: no/such/folder is not a folder; give one with config.json, a \
tokenizer and model.safetensors, or a name on the hub
    """
    folder = Path(name).expanduser()
    if name and folder.is_dir():
        folder = trained_folder(folder) or folder
        missing = _missing(folder)
        if missing:
            raise InputError(f"{name} lacks {missing}; give a folder that save_pretrained wrote")
        return folder.resolve()
    repositories = NAMES.get(name, (name,))
    if name not in NAMES and (name.count("/") > 1 or name.startswith((".", "~", "/")) or not name):
        raise InputError(
            f"{name or repr(name)} is not a folder; give one with config.json, a tokenizer"
            " and model.safetensors, or a name on the hub"
        )
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError

    for repository in repositories:
        with suppress(LocalEntryNotFoundError, HFValidationError, OSError):
            cached = Path(snapshot_download(repository, local_files_only=True))
            if not _missing(cached):
                return cached
    return _download(repositories[-1], name)


def trained_folder(folder: Path) -> Path | None:
    """The folder with the model of a trained encoder: this one, or `model` in a run folder; None for others."""
    return next((one for one in (folder, folder / "model") if (one / "encoder.json").is_file()), None)


def load_config(folder: Path) -> Any:
    """The transformers configuration in a folder; never runs code from it."""
    from transformers import AutoConfig

    with quiet(), _readable(folder):
        return AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)


def load_encoder(
    folder: Path, auto_class: Any, safetensors_only: bool = False, **options: Any
) -> tuple[Any, set[str]]:
    """A transformers model in fp32 by one of its Auto classes, and the names of weights that the folder lacks.

    Only a head or a pooler may be missing: raises `InputError` where a part of the encoder would be random. Never runs
    code from the folder. safetensors are preferred. A `pytorch_model.bin` is read only for a pretrained model (hfl
    publishes chinese-roberta-wwm-ext-large in no other form) and only by torch's weights-only reader, which makes
    tensors and nothing else; transformers refuses even that below torch 2.6, where the reader had a hole. A model that
    this package saved always lies in safetensors.
    """
    import torch

    if safetensors_only:
        options["use_safetensors"] = True
    with quiet(), _readable(folder):
        model, loading = auto_class.from_pretrained(
            folder, local_files_only=True, trust_remote_code=False, dtype=torch.float32,
            output_loading_info=True, **options,
        )  # fmt: skip
    missing = set(loading["missing_keys"])
    within = "" if model.base_model is model else f"{model.base_model_prefix}."
    lost = sorted(name for name in missing if name.startswith(within) and "pooler" not in name)
    if lost:
        raise InputError(
            f"{folder} has no weights of these names for {len(lost)} parts of the encoder, such as {lost[0]}, which would"
            " be random; give a folder that save_pretrained wrote"
        )
    return model, missing


def load_tokenizer(folder: Path) -> Any:
    """The transformers tokenizer in a folder, of the fast kind; raises `InputError` if there is none."""
    from transformers import AutoTokenizer

    with quiet(), _readable(folder):
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    if not getattr(tokenizer, "is_fast", False):
        raise InputError(f"{folder} has no fast tokenizer; save it as tokenizer.json with transformers first")
    return tokenizer


def check_ids(ids: NDArray[np.int32], encoder: Any) -> None:
    """Raise `InputError` if the tokenizer gave tokens that the encoder has no embeddings for."""
    known, largest = encoder.get_input_embeddings().num_embeddings, int(ids.max(initial=0))
    if largest >= known:
        raise InputError(
            f"the tokenizer gives token {largest}, but the encoder has embeddings of {known}; give the model with its"
            " own tokenizer"
        )


def weights_fingerprint(folder: Path) -> str:
    """SHA-256 over the configuration, tokenizer and weight files of a model folder."""
    digest = hashlib.sha256()
    weights = [*folder.glob("*.safetensors")] or folder.glob("pytorch_model*.bin")
    small = [path for pattern in _TOKENIZER_FILES for path in folder.glob(pattern)]
    for path in sorted([*folder.glob("config.json"), *small, *weights]):
        digest.update(path.name.encode() + b"\0")
        with path.open("rb") as file:
            while block := file.read(1 << 22):
                digest.update(block)
    return digest.hexdigest()


@contextmanager
def quiet() -> Iterator[None]:
    """Keep transformers' progress bars and reports on missing heads off the terminal while the block runs."""
    from transformers.utils import logging

    verbosity, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        if bars:
            logging.enable_progress_bar()


@contextmanager
def _readable(folder: Path) -> Iterator[None]:
    try:
        yield
    except UnpicklingError as error:
        raise InputError(
            f"{folder} cannot be loaded: its pytorch_model.bin holds more than tensors; get model.safetensors"
        ) from error
    except MemoryError:
        raise
    except Exception as error:  # for damaged files transformers, tokenizers and safetensors raise anything
        reason = " ".join(str(error).split())[:300]
        raise InputError(f"{folder} cannot be loaded by transformers: {reason}") from error


def _missing(folder: Path) -> str:
    groups = {"config.json": ("config.json",), "a tokenizer": _TOKENIZERS, "model.safetensors": _WEIGHTS}
    lacking = [what for what, names in groups.items() if not any((folder / name).is_file() for name in names)]
    return " and ".join(lacking)


def _download(repository: str, name: str) -> Path:
    from huggingface_hub import snapshot_download

    with splits.hub_access(lambda reason: _how_to_get(repository, name, reason)) as api:
        # Asked first because snapshot_download would wait for ever where nothing answers.
        api.model_info(repository, timeout=splits.SECONDS_TO_WAIT)
        folder = Path(snapshot_download(repository, allow_patterns=[*_SMALL_FILES, "*.safetensors"]))
        if not any((folder / weights).is_file() for weights in _WEIGHTS):
            folder = Path(snapshot_download(repository, allow_patterns=[*_SMALL_FILES, "pytorch_model*.bin"]))
    missing = _missing(folder)
    if missing:
        raise InputError(f"{repository} on the hub lacks {missing}; choose another model")
    return folder


def _how_to_get(repository: str, name: str, reason: str) -> str:
    from huggingface_hub import constants

    return (
        f"{name}: {repository} is neither a folder here nor in {constants.HF_HUB_CACHE}, and {reason}; where there is access,"
        f" run `hf download {repository} --local-dir {repository.rpartition('/')[2]}`,"
        " bring the folder here and give its path in place of the name"
    )
