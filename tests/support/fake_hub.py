"""A Hugging Face hub on this machine, as far as data sets are read and model folders are uploaded."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
from local_server import running

TOKEN = "hf_of_the_test"
SHA = "0123456789" * 4


@dataclass
class FakeHub:
    """What the hub holds and what it was asked.

    repositories: "models/owner/name" or "datasets/owner/name" -> content by path
    requests:     method and path of every request; private: models that were made private
    branches:     of models, with their commits; refusal: a status for everything that is written
    """

    endpoint: str = ""
    repositories: dict[str, dict[str, bytes]] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)
    private: list[str] = field(default_factory=list)
    branches: list[str] = field(default_factory=list)
    objects: dict[str, bytes] = field(default_factory=dict)
    refusal: int = 0


@contextmanager
def fake_hub() -> Iterator[FakeHub]:
    """A hub that answers as long as the block lasts."""
    hub = FakeHub()

    class Handler(_Handler):
        content = hub

    with running(Handler) as endpoint:
        hub.endpoint = endpoint
        yield hub


class _Handler(BaseHTTPRequestHandler):
    content: FakeHub

    def do_GET(self) -> None:
        hub, path = self.content, self.path.partition("?")[0]
        hub.requests.append(f"{self.command} {path}")
        about = re.fullmatch(r"/api/(models|datasets)/(\w+/[\w-]+)(?:/(revision|tree)/([^/]+))?", path)
        file = re.fullmatch(r"/datasets/(\w+/[\w-]+)/resolve/([^/]+)/(.+)", path)
        if file:
            data = hub.repositories[f"datasets/{file[1]}"][file[3]]
            self._send(data, {"ETag": f'"{hashlib.sha1(data).hexdigest()}"', "X-Repo-Commit": SHA})
            return
        key = f"{about[1]}/{about[2]}" if about else ""
        if about is None or key not in hub.repositories:
            self._refuse(404, "RepoNotFound")
        elif about[3] == "revision" and about[4] not in ("main", SHA):
            self._refuse(404, "RevisionNotFound")
        elif about[3] == "tree":
            files = hub.repositories[key].items()
            self._json([{"type": "file", "path": p, "size": len(d), "oid": "0" * 40} for p, d in files])
        else:
            self._json({"id": about[2], "sha": SHA, "siblings": [], "private": about[2] in hub.private})

    do_HEAD = do_GET

    def do_POST(self) -> None:
        hub, path = self.content, self.path.partition("?")[0]
        hub.requests.append(f"{self.command} {path}")
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if hub.refusal or self.headers.get("Authorization") != f"Bearer {TOKEN}":
            self._refuse(hub.refusal or 401)
        elif path == "/api/repos/create":
            asked = json.loads(body)
            name = f"{asked['organization']}/{asked['name']}"
            hub.repositories[f"models/{name}"] = {}
            if asked.get("visibility") == "private" or asked.get("private"):
                hub.private.append(name)
            self._json({"url": f"{hub.endpoint}/{name}"})
        elif path == "/api/validate-yaml":
            self._json({"warnings": [], "errors": []})
        elif branch := re.fullmatch(r"/api/models/(\w+/[\w-]+)/branch/(.+)", path):
            hub.branches.append(branch[2])
            self._json({})
        elif re.search("/preupload/", path):
            files = json.loads(body)["files"]
            self._json(
                {
                    "files": [
                        {"path": f["path"], "uploadMode": _mode(f["path"]), "shouldIgnore": False}
                        for f in files
                    ]
                }
            )
        elif path.endswith("/info/lfs/objects/batch"):
            self._json(
                {"transfer": "basic", "objects": [self._action(one) for one in json.loads(body)["objects"]]}
            )
        elif commit := re.fullmatch(r"/api/models/(\w+/[\w-]+)/commit/(.+)", path):
            lines = [json.loads(line) for line in body.splitlines()]
            hub.repositories[f"models/{commit[1]}"] |= dict(self._committed(line) for line in lines[1:])
            self._json({"commitUrl": f"{hub.endpoint}/{commit[1]}/commit/{SHA}", "commitOid": SHA})
        else:
            self._refuse(404)

    def do_PUT(self) -> None:
        self.content.objects[self.path.rpartition("/")[2]] = self.rfile.read(
            int(self.headers["Content-Length"])
        )
        self._send(b"")

    def _action(self, asked: dict[str, Any]) -> dict[str, Any]:
        return {**asked, "actions": {"upload": {"href": f"{self.content.endpoint}/objects/{asked['oid']}"}}}

    def _committed(self, line: dict[str, Any]) -> tuple[str, bytes]:
        value = line["value"]
        if line["key"] == "lfsFile":
            return value["path"], self.content.objects[value["oid"]]
        return value["path"], base64.b64decode(value["content"])

    def _json(self, value: object) -> None:
        self._send(json.dumps(value).encode(), {"Content-Type": "application/json"})

    def _refuse(self, status: int, code: str = "") -> None:
        self._send(b"{}", {"X-Error-Code": code} if code else {}, status)

    def _send(self, data: bytes, headers: dict[str, str] | None = None, status: int = 200) -> None:
        self.send_response(status)
        for name, value in {**(headers or {}), "Content-Length": str(len(data))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def log_message(self, format: str, *arguments: object) -> None:
        pass


def _mode(path: str) -> str:
    return "lfs" if path.endswith((".npz", ".safetensors")) else "regular"


def use_hub(monkeypatch: pytest.MonkeyPatch, cache: Path, endpoint: str) -> None:
    """Let the client in this process talk to `endpoint`, with a cache of its own and the token of the test."""
    from huggingface_hub import constants

    settings = {
        "ENDPOINT": endpoint,
        "HUGGINGFACE_CO_URL_TEMPLATE": endpoint + "/{repo_id}/resolve/{revision}/{filename}",
        "HF_HUB_CACHE": str(cache),
        "HF_TOKEN_PATH": str(cache / "token"),
        "HF_HUB_OFFLINE": False,
        "HF_HUB_DISABLE_XET": True,
    }
    for name, value in settings.items():
        monkeypatch.setattr(constants, name, value)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("HF_TOKEN", TOKEN)
