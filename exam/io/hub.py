"""The Hugging Face hub: its data sets as folders, and what goes wrong with it in one line."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from cmexam_baseline.exam.errors import InputError
from cmexam_baseline.exam.extras import require
from cmexam_baseline.exam.splits import SPLIT_NAMES

if TYPE_CHECKING:
    from huggingface_hub import HfApi

# Where nothing answers, requests without a limit would wait for ever.
SECONDS_TO_WAIT = 5.0
_DATA_SET = re.compile(r"([\w-][\w.-]*/[\w-][\w.-]*)(?:@([\w./-]+))?")
_FILE = re.compile(r"\.(csv|tsv|jsonl?|parquet|xlsx|txt|gz)$", re.IGNORECASE)
_REASONS = {
    "RepositoryNotFoundError": "the hub has no such repository, or wants a token that may read it",
    "GatedRepoError": "the hub wants a login for it",
    "RevisionNotFoundError": "the repository has no such revision",
    "HFValidationError": "it is no valid name on the hub",
    401: "the hub does not accept the token; log in again with `hf auth login` or correct HF_TOKEN",
    403: "the token may not write there; use one with write access",
}


def local_exam(source: str | os.PathLike[str]) -> Path:
    """The path of an exam: `source`, or the snapshot of the hub's data set `owner/name` where there is no such path.

    `owner/name@revision` is a branch, tag or commit. Downloaded are the split files of the repository; with
    HF_HUB_OFFLINE=1 the copy in the cache is taken as it is. A path whose folder exists, or with the ending of a
    file, is never looked up. Raises `InputError` where the data set cannot be had.

    >>> local_exam("exams/val.csv").name
    'val.csv'
    """
    path = Path(source)
    text = path.as_posix()
    named = _DATA_SET.fullmatch(text)
    if named is None or path.exists() or path.parent.exists() or _FILE.search(text):
        return path
    require(
        "hub",
        "huggingface_hub",
        purpose=f"{text} is not there; reading it as a data set of the Hugging Face hub",
    )
    from huggingface_hub import constants, snapshot_download

    name, revision = named.groups()
    patterns = [
        f"{folder}{one}*" for folder in ("", "data/") for names in SPLIT_NAMES.values() for one in names
    ]
    with hub_access(lambda reason: f"{text} is not there, and not on the hub as a data set: {reason}") as api:
        if not constants.HF_HUB_OFFLINE:
            api.dataset_info(name, revision=revision, timeout=SECONDS_TO_WAIT)
        folder = Path(
            snapshot_download(name, repo_type="dataset", revision=revision, allow_patterns=patterns)
        )
    if not folder.is_dir():
        raise InputError(f"{text} on the hub holds no train, val or test file; choose another data set")
    return folder


def shown_exam(path: Path) -> str:
    """A path for people to read; of the snapshot of a data set, its name and commit.

    >>> shown_exam(Path("hub/datasets--med--exam/snapshots/0a1b2c3d4e5f6071"))
    'med/exam@0a1b2c3d'
    """
    found = re.search(r"datasets--([^/]+?)--([^/]+)/snapshots/([0-9a-f]{8})", path.as_posix())
    return "{}/{}@{}".format(*found.groups()) if found else str(path)


@contextmanager
def hub_access(message: Callable[[str], str]) -> Iterator[HfApi]:
    """The hub's interface; what fails with it raises `InputError` with `message(reason)`."""
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError

    # Errors of the hub's HTTP client (requests, httpx or httpx2, by version) come through as they are.
    expected: tuple[type[BaseException], ...] = (*HfHubHTTPError.__bases__, OSError, ValueError, RuntimeError)
    try:
        yield HfApi()
    except InputError:
        raise
    except expected as error:
        raise InputError(message(_reason(error))) from error


def _reason(error: BaseException) -> str:
    from huggingface_hub import constants

    if constants.HF_HUB_OFFLINE:
        return "the hub is switched off (HF_HUB_OFFLINE)"
    if isinstance(error, RuntimeError) and error.__cause__ is not None:  # what an upload's thread met
        error = error.__cause__
    response = getattr(error, "response", None)
    known = _REASONS.get(type(error).__name__) or _REASONS.get(getattr(response, "status_code", None))
    if known:
        return known
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename or 'the hub'}: {error.strerror}"
    if response is None and not isinstance(error, ValueError | RuntimeError):
        return "the hub cannot be reached"
    return " ".join((getattr(error, "server_message", None) or str(error)).split())[:200]
