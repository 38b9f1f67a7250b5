"""A run on the Hugging Face hub: which of its files are uploaded, and how."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

from cmexam_baseline.baselines.run_folder import load_run
from cmexam_baseline.exam import splits
from cmexam_baseline.exam.errors import InputError
from cmexam_baseline.exam.extras import require

# What `train` writes. Logs of trackers name machines and paths, so they stay here.
_RUN_FILES = (
    "README.md", "config.json", "scores.json", "timings.json", "left_out.csv", "extra_train_left_out.csv",
    "predictions_*.csv", "*.svg",
)  # fmt: skip
_ENCODER_FILES = (
    "config.json", "encoder.json", "checksums.json", "*.safetensors", "*.safetensors.index.json", "tokenizer.json",
    "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "vocab.txt", "*.model",
    "sentences.npz", "adapter/adapter_config.json", "adapter/*.safetensors",
)  # fmt: skip
_NO_TOKEN = "no token is set; log in with `hf auth login` or set HF_TOKEN to a token with write access"


def push_run(
    folder: str | os.PathLike[str], repository: str, *, private: bool = False, revision: str | None = None
) -> str:
    """Upload a run folder to the Hugging Face hub and return the address of the commit.

    repository: owner/name of a model repository, made if it does not exist
    private:    make the repository private; one that exists has to be private already
    revision:   branch to commit to, made if it does not exist; None = main

    Only what training wrote is uploaded: neither logs nor files that were put into the folder. The token is the one of
    `huggingface_hub`: HF_TOKEN, or that of `hf auth login`. Raises `InputError` if the folder is no run folder, no token
    is set, or the hub refuses or cannot be reached; then the repository is as it was.
    """
    require("hub", purpose="push")
    run = load_run(folder)
    if run.kind == "onnx":
        raise InputError(f"{folder} is an ONNX folder; give the run folder that it was exported from")
    if repository.count("/") != 1:
        raise InputError(f"{repository!r} is no repository on the hub; give it as owner/name")
    from huggingface_hub import constants, get_token
    from huggingface_hub.errors import RepositoryNotFoundError

    with splits.hub_access(lambda reason: f"{folder} was not uploaded to {repository}: {reason}") as api:
        if not constants.HF_HUB_OFFLINE and get_token() is None:
            raise InputError(f"{folder} was not uploaded to {repository}: {_NO_TOKEN}")
        try:
            there = api.model_info(repository, timeout=splits.SECONDS_TO_WAIT)
            if private and not there.private:
                raise InputError(
                    f"{repository} is public already; make it private on the hub, or give another name"
                )
        except RepositoryNotFoundError:
            api.create_repo(repository, private=private or None)
        if revision is not None:
            api.create_branch(repository, branch=revision, exist_ok=True)
        commit = api.upload_folder(
            repo_id=repository,
            folder_path=run.folder,
            revision=revision,
            allow_patterns=list(run_files(run.folder)),
            commit_message=f"{run.kind}, seed {run.config['seed']}",
        )
    return str(commit.commit_url)


def run_files(folder: Path) -> Iterator[str]:
    """The files of a run folder that training wrote, with their paths in it.

    Those of a model are listed in its own manifest, where it has one. Raises `InputError` for a damaged manifest.
    """
    patterns = [*_RUN_FILES, *(f"model/{name}" for name in _ENCODER_FILES)]
    for manifest in (folder / "model" / name for name in ("model.json", "ensemble.json")):
        if manifest.is_file():
            try:
                listed = json.loads(manifest.read_text(encoding="utf-8"))["sha256"]
            except (OSError, ValueError, KeyError, TypeError) as error:
                raise InputError(f"{manifest} lists no files ({error}); train the run again") from error
            patterns = [*_RUN_FILES, f"model/{manifest.name}", *(f"model/{name}" for name in listed)]
    for pattern in patterns:
        for file in sorted(folder.glob(pattern)):
            if file.is_file() and not file.is_symlink():
                yield file.relative_to(folder).as_posix()
