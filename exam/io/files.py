"""Writing files and folders so that a reader sees the old content or the new, never half."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from cmexam_baseline.exam.errors import InputError
from cmexam_baseline.exam.io.atomic_swap import bring_back, exchange
from cmexam_baseline.exam.io.temp_paths import temporary_file, temporary_folder


def write_atomically(path: str | os.PathLike[str], data: bytes | str | Iterable[bytes]) -> None:
    """Write `data` (text as UTF-8, or pieces that are made as they are written) by way of a file beside `path`.

    Raises `InputError` naming the path where the folder is missing or cannot be written.

    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> write_atomically(folder / "scores.json", "{}")
    >>> (folder / "scores.json").read_text()
    '{}'
    """
    target = Path(path)
    content = data.encode("utf-8", "surrogatepass") if isinstance(data, str) else data
    try:
        with temporary_file(target) as temporary:
            with temporary.open("wb") as stream:
                stream.writelines([content] if isinstance(content, bytes) else content)
            _copy_mode(target, temporary)
            temporary.replace(target)
    except OSError as error:
        raise InputError(
            f"{target} cannot be written: {error.strerror or error}; choose another place"
        ) from error


@contextmanager
def new_folder(path: str | os.PathLike[str], overwrite: bool = False) -> Iterator[Path]:
    """A temporary folder beside `path` that takes its name when the block ends without an exception.

    A folder that already holds something is kept unless `overwrite` is set; then it is replaced as a whole.
    Raises `InputError` if `path` is taken or its parent cannot be written.

    >>> import tempfile
    >>> parent = Path(tempfile.mkdtemp())
    >>> with new_folder(parent / "run") as folder:
    ...     _ = (folder / "config.json").write_text("{}")
    >>> [file.name for file in (parent / "run").iterdir()]
    ['config.json']
    """
    target = Path(path)
    refuse_taken(target, overwrite)
    with ExitStack() as stack:
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            temporary = stack.enter_context(temporary_folder(target))
        except OSError as error:
            raise InputError(
                f"{target} cannot be made: {error.strerror or error}; choose another place"
            ) from error
        yield temporary
        temporary.chmod(0o777 & ~_umask())
        _place(temporary, target, overwrite)


def refuse_taken(path: str | os.PathLike[str], overwrite: bool = False) -> None:
    """Raise `InputError` if `path` is a file, or a folder that holds something and `overwrite` is not set."""
    target = Path(path)
    bring_back(target)
    if target.exists() and not target.is_dir():
        raise InputError(f"{target} is a file; give a folder that is empty or not there yet")
    if target.is_dir() and not overwrite and any(target.iterdir()):
        raise InputError(f"{target} is not empty; give another folder or --overwrite")


def refuse_unwritable(path: str | os.PathLike[str]) -> None:
    """Raise `InputError` if nothing can be made at `path`, so that long work need not end with that.

    Folders above it that are not there yet count as if they were made.
    """
    above = Path(path).absolute().parent
    while not above.exists():
        above = above.parent
    if not above.is_dir() or not os.access(above, os.W_OK | os.X_OK):
        raise InputError(f"{path} cannot be made: {above} cannot be written to; choose another place")


def _place(temporary: Path, target: Path, overwrite: bool) -> None:
    refuse_taken(target, overwrite)
    if not target.exists():
        try:
            temporary.rename(target)
        except OSError:
            # Another process was faster; an empty or missing target would have been no obstacle.
            refuse_taken(target, overwrite)
            if not target.exists():
                raise
        else:
            return
    exchange(temporary, target)


def _copy_mode(target: Path, temporary: Path) -> None:
    # Temporary files are private; a result file should be as readable as any other new file.
    temporary.chmod(target.stat().st_mode & 0o777 if target.exists() else 0o666 & ~_umask())


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
