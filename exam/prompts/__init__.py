"""Prompts for language models, the server that answers them, and the file of replies."""

from __future__ import annotations

from cmexam_baseline.exam.prompts.batch_client import ChatServer, Outcome, ReplyFile, RequestPolicy, ask_all
from cmexam_baseline.exam.prompts.files import FORMS, Request, read_prompts, write_prompts
from cmexam_baseline.exam.prompts.templates import (
    STYLES,
    Prompt,
    estimate_tokens,
    make_prompts,
    pick_examples,
)

__all__ = [
    "FORMS",
    "STYLES",
    "ChatServer",
    "RequestPolicy",
    "Outcome",
    "Prompt",
    "ReplyFile",
    "Request",
    "ask_all",
    "estimate_tokens",
    "make_prompts",
    "pick_examples",
    "read_prompts",
    "write_prompts",
]
