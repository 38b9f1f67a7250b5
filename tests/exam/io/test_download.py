"""Downloads from a server that behaves well, badly, and very badly: never a wrong file in place."""

from __future__ import annotations

import subprocess
from pathlib import Path

import hostile_server
import numpy as np
import pytest

from cmexam_baseline.exam import download
from cmexam_baseline.exam.download import PublishedFile, RetryPolicy, download_exam, git_blob_id
from cmexam_baseline.exam.errors import InputError

# Long enough for several reads, with no repetition that would hide a wrong offset.
CONTENT = np.random.default_rng(7).bytes(300_000)
FILE = PublishedFile("train", "train.csv", len(CONTENT), git_blob_id(CONTENT), 3)
POLICY = RetryPolicy(timeout=0.4, attempts=3, backoff=0.01)


def fetch(folder: Path, source: str | Path, **settings: object) -> list[download.FetchedFile]:
    return download_exam(folder, source, **{"files": [FILE], "policy": POLICY, **settings})


@pytest.mark.parametrize(
    "behave",
    [
        hostile_server.well,
        hostile_server.cuts_then_well,
        hostile_server.cuts_then_ignores_range,
        hostile_server.claims_more,
        hostile_server.without_length,
        hostile_server.changes_while_resuming,
        hostile_server.redirects,
        hostile_server.busy_then_well,
    ],
)
def test_the_published_file_arrives_in_the_end(behave, tmp_path: Path) -> None:
    with hostile_server.serving({"train.csv": CONTENT}, behave) as scene:
        (fetched,) = fetch(tmp_path, scene.url)
    assert fetched.path.read_bytes() == CONTENT
    assert [path.name for path in tmp_path.iterdir()] == ["train.csv"]


@pytest.mark.parametrize(
    ("behave", "reason"),
    [
        (hostile_server.cuts, "cut off at 100,000 of 300,000 bytes"),
        (hostile_server.stalls, "no answer for 0.4 s"),
        (hostile_server.stalls_before_answering, "no answer for 0.4 s"),
        (hostile_server.trickles, "stalled"),
        (hostile_server.changed, "is not the published file: git blob id"),
        (hostile_server.web_page, "is not the published file: 41 bytes instead of 300,000"),
        (hostile_server.claims_less, "is not the published file: 150,000 bytes instead of 300,000"),
        (hostile_server.endless, "sends more than 600,000 bytes"),
        (hostile_server.wrong_part, "another part than asked for"),
        (hostile_server.redirects_in_a_circle, "redirects without end"),
        (hostile_server.redirects_to_a_local_file, "redirects without end or elsewhere"),
        (hostile_server.always_busy, "answered 429"),
        (hostile_server.forbids, "answered 403"),
        (hostile_server.speaks_no_http, "BadStatusLine"),
    ],
)
def test_anything_else_is_refused_in_one_line(behave, reason: str, tmp_path: Path) -> None:
    with (
        hostile_server.serving({"train.csv": CONTENT}, behave) as scene,
        pytest.raises(InputError) as refusal,
    ):
        fetch(tmp_path, scene.url)
    message = str(refusal.value)
    assert reason in message
    assert "train.csv" in message
    assert "`source`" in message or "published" in message
    assert "\n" not in message
    assert not (tmp_path / "train.csv").exists()


def test_a_missing_file_and_a_missing_server_are_named(tmp_path: Path) -> None:
    with hostile_server.serving({}, hostile_server.well) as scene, pytest.raises(InputError, match="404"):
        fetch(tmp_path, scene.url)
    with pytest.raises(InputError, match=r"ConnectionRefusedError.*3 attempts"):
        fetch(tmp_path, scene.url)


def test_an_interrupted_download_goes_on_where_it_stopped(tmp_path: Path) -> None:
    with hostile_server.serving({"train.csv": CONTENT}, hostile_server.cuts) as scene:
        with pytest.raises(InputError):
            fetch(tmp_path, scene.url)
        scene.behave = hostile_server.well
        scene.requests.clear()
        fetch(tmp_path, scene.url)
        assert scene.ranges("train.csv") == ["bytes=100000-"]
    assert (tmp_path / "train.csv").read_bytes() == CONTENT


def test_a_complete_part_is_put_in_place(tmp_path: Path) -> None:
    (tmp_path / f".train.csv.{FILE.blob_id[:8]}.part").write_bytes(CONTENT)
    with hostile_server.serving({"train.csv": CONTENT}, hostile_server.well) as scene:
        fetch(tmp_path, scene.url)
    assert (tmp_path / "train.csv").read_bytes() == CONTENT


def test_a_part_with_other_bytes_is_given_up_for_a_fresh_start(tmp_path: Path) -> None:
    (tmp_path / f".train.csv.{FILE.blob_id[:8]}.part").write_bytes(b"x" * 1000)
    told: list[str] = []
    with hostile_server.serving({"train.csv": CONTENT}, hostile_server.well) as scene:
        fetch(tmp_path, scene.url, on_retry=told.append)
        assert scene.ranges("train.csv") == ["bytes=1000-", None]
    assert (tmp_path / "train.csv").read_bytes() == CONTENT
    assert "afresh" in told[0]


def test_what_is_there_already_is_kept(tmp_path: Path) -> None:
    (tmp_path / "train.csv").write_bytes(CONTENT)
    (fetched,) = fetch(tmp_path, "http://127.0.0.1:1/never-asked")
    assert fetched.was_there


def test_another_file_in_its_place_is_replaced_only_on_demand(tmp_path: Path) -> None:
    (tmp_path / "train.csv").write_bytes(b"mine")
    with hostile_server.serving({"train.csv": CONTENT}, hostile_server.well) as scene:
        with pytest.raises(InputError, match="not the published file.*`overwrite=True`"):
            fetch(tmp_path, scene.url)
        assert scene.requests == []
        fetch(tmp_path, scene.url, overwrite=True)
    assert (tmp_path / "train.csv").read_bytes() == CONTENT


def test_an_old_file_stays_when_its_replacement_fails(tmp_path: Path) -> None:
    (tmp_path / "train.csv").write_bytes(b"mine")
    with (
        hostile_server.serving({"train.csv": CONTENT}, hostile_server.changed) as scene,
        pytest.raises(InputError),
    ):
        fetch(tmp_path, scene.url, overwrite=True)
    assert (tmp_path / "train.csv").read_bytes() == b"mine"


def test_a_folder_is_a_source_too_and_is_checked_as_well(tmp_path: Path) -> None:
    mirror = tmp_path / "mirror"
    mirror.mkdir()
    (mirror / "train.csv").write_bytes(CONTENT)
    fetch(tmp_path / "a", mirror)
    fetch(tmp_path / "b", f"file://{mirror}")
    assert (tmp_path / "a/train.csv").read_bytes() == (tmp_path / "b/train.csv").read_bytes() == CONTENT
    (mirror / "train.csv").write_bytes(b"short")
    with pytest.raises(InputError, match="5 bytes instead of 300,000"):
        fetch(tmp_path / "c", mirror)
    with pytest.raises(InputError, match="is not there"):
        fetch(tmp_path / "c", tmp_path / "nowhere")


@pytest.mark.parametrize("source", ["ftp://mirror.org/data", "http://", "http://a b/", "http://[::1"])
def test_a_source_that_is_no_address_is_refused_at_once(source: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="`source`|is not an address|give http"):
        fetch(tmp_path, source, policy=RetryPolicy(timeout=0.2, attempts=1))


def test_a_proxy_is_taken_from_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with hostile_server.serving({"train.csv": CONTENT}, hostile_server.well) as proxy:
        monkeypatch.setenv("http_proxy", proxy.url.removesuffix("/data"))
        monkeypatch.delenv("no_proxy", raising=False)
        monkeypatch.delenv("NO_PROXY", raising=False)
        fetch(tmp_path, "http://mirror.invalid/data")
        assert proxy.requests == [("http://mirror.invalid/data/train.csv", None)]


def test_a_password_in_the_address_is_never_shown(tmp_path: Path) -> None:
    with pytest.raises(InputError) as refusal:
        fetch(tmp_path, "http://me:secret@127.0.0.1:1/data", policy=RetryPolicy(0.2, 1, 0))
    assert "secret" not in str(refusal.value)


def test_progress_tells_bytes_of_each_file(tmp_path: Path) -> None:
    seen: list[tuple[str, int, int]] = []
    with hostile_server.serving({"train.csv": CONTENT}, hostile_server.well) as scene:
        fetch(tmp_path, scene.url, progress=lambda *step: seen.append(step))
    assert seen[-1] == ("train.csv", len(CONTENT), len(CONTENT))
    assert [done for _, done, _ in seen] == sorted(done for _, done, _ in seen)


def test_the_blob_id_is_git_s_own(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(CONTENT)
    git = subprocess.run(
        ["git", "hash-object", tmp_path / "file"], capture_output=True, text=True, check=True
    )
    assert git_blob_id(CONTENT) == git.stdout.strip()


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be made"):
        fetch(tmp_path / "file" / "data", tmp_path)


def test_two_downloads_into_one_folder_at_once(tmp_path: Path) -> None:
    def and_another(handler: hostile_server.Handler, content: bytes) -> None:
        with pytest.raises(InputError, match="is in use by another command; wait for it"):
            fetch(tmp_path, scene.url)
        hostile_server.well(handler, content)

    with hostile_server.serving({"train.csv": CONTENT}, and_another) as scene:
        (fetched,) = fetch(tmp_path, scene.url)
    assert fetched.path.read_bytes() == CONTENT
