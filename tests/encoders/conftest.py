"""Tiny encoders for every test, a cache of their own, and no way to a network."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tiny_encoders import make_encoder, make_exam

from cmexam_baseline.exam.exam import Exam

os.environ["HF_HUB_OFFLINE"] = "1"


class NetworkTouched(AssertionError):
    """Something opened a connection."""


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every connection is an error; an AssertionError, which no library takes for a network that is down."""

    def guarded(original: Callable[..., Any]) -> Callable[..., Any]:
        def connect(self: socket.socket, *arguments: Any) -> Any:
            if self.family != socket.AF_UNIX:  # processes of one machine talk over these
                raise NetworkTouched(f"connection to {arguments}")
            return original(self, *arguments)

        return connect

    def refuse(*arguments: Any, **options: Any) -> None:
        raise NetworkTouched(f"name looked up: {arguments}")

    monkeypatch.setattr(socket.socket, "connect", guarded(socket.socket.connect))
    monkeypatch.setattr(socket.socket, "connect_ex", guarded(socket.socket.connect_ex))
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


@pytest.fixture(scope="session", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A cache folder of the tests' own."""
    import torch

    torch.set_num_threads(1)  # the models are too small to share
    before = os.environ.get("CMEXAM_BASELINE_CACHE")
    folder = tmp_path_factory.mktemp("cache")
    os.environ["CMEXAM_BASELINE_CACHE"] = str(folder)
    yield folder
    os.environ.pop("CMEXAM_BASELINE_CACHE", None)  # a doctest in the same process may have removed it
    if before is not None:
        os.environ["CMEXAM_BASELINE_CACHE"] = before


@pytest.fixture(scope="session")
def bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A BERT of two layers."""
    return make_encoder(tmp_path_factory.mktemp("models") / "bert", "bert", initializer_range=0.1)


@pytest.fixture(scope="session")
def roberta(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A RoBERTa of two layers: two separators, no token types, positions from the padding index on."""
    return make_encoder(
        tmp_path_factory.mktemp("models") / "roberta", "roberta", initializer_range=0.1, type_vocab_size=1
    )


@pytest.fixture(scope="session")
def exam() -> Exam:
    """64 questions with 2, 4, 5 and 8 options, one answer in ten with two letters."""
    return make_exam(64, options=(5, 4, 8, 2))
