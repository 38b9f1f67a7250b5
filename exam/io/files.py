"""Writing files and folders so that a reader sees the old content or the new, never half.

What is being written has a hidden name beside its target and is locked. The system takes a lock away when its process
ends, however it ends: the next one that writes the same target removes what a killed process left, or gives a folder
that was moved aside its name again. Locks are advisory and hold on one machine. Where there are none (Windows, some
network file systems) nothing is removed.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from cmexam_baseline.exam.errors import InputError
from cmexam_baseline.exam.splits import split_of, stem_of

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]  # a module, or None where there is none

PathLike = str | os.PathLike[str]

_UNFINISHED, _REPLACED = ".unfinished", ".replaced"

# Files that identify a folder as written by this package, and the keys that each holds.
_IDENTIFIED_BY = {
    "config.json": {"format", "format_version", "versions"},
    "encoder.json": {"format", "settings", "layout"},
    "pretraining.json": {"base", "base_fingerprint", "loss_after"},
    **dict.fromkeys(("model.json", "ensemble.json", "state.json"), {"kind", "format", "sha256"}),
}
# How a result file begins that this package wrote: predictions, rows of `score`, points of `curve`, overlaps; and the
# mark of its reports and charts.
_OWN_FILE = re.compile(
    rb"""\A(id,answer,(explanation,)?probability_A|system,id,gold,answer,correct|size,seeds,accuracy,|id,overlap,coverage,
        |\{"id":\ "[^"]*",\ ("answer":\ "[A-J]*",\ .*"probability_A"|"overlap"):\ )
        |(schema|generator|creator|Creator|Software).{0,120}cmexam-baseline""",
    re.DOTALL | re.VERBOSE,
)


def write_atomically(path: PathLike, data: bytes | str | Iterable[bytes]) -> None:
    """Write `data` (text as UTF-8, or pieces that are made as they are written) by way of a file beside `path`.

    Raises `InputError` naming the path where the folder is missing or cannot be written.
    """
    target = Path(path)
    content = data.encode("utf-8", "surrogatepass") if isinstance(data, str) else data
    try:
        with _temporary(target, is_folder=False) as temporary:
            with temporary.open("wb") as stream:
                stream.writelines([content] if isinstance(content, bytes) else content)
            # Temporary files are private; a result file should be as readable as any other new file.
            temporary.chmod(target.stat().st_mode & 0o777 if target.exists() else 0o666 & ~_umask())
            temporary.replace(target)
    except OSError as error:
        raise InputError(
            f"{target} cannot be written: {error.strerror or error}; choose another place"
        ) from error


@contextmanager
def new_folder(path: PathLike, overwrite: bool = False) -> Iterator[Path]:
    """A temporary folder beside `path` that takes its name when the block ends without an exception.

    A folder that is not empty is kept, unless `overwrite` is set and this package wrote it: then it is replaced as a
    whole. Raises `InputError` if `path` is taken or its parent cannot be written.
    """
    target = Path(path)
    refuse_taken(target, overwrite)
    with ExitStack() as stack:
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            temporary = stack.enter_context(_temporary(target, is_folder=True))
        except OSError as error:
            raise InputError(
                f"{target} cannot be made: {error.strerror or error}; choose another place"
            ) from error
        yield temporary
        temporary.chmod(0o777 & ~_umask())
        _place(temporary, target, overwrite)


def refuse_taken(path: PathLike, overwrite: bool = False) -> None:
    """Raise `InputError` if `path` is a file or a folder that must not be replaced.

    A folder that is not empty is replaced only with `overwrite`, and only if this package wrote it (see `is_own_folder`).
    """
    target = Path(path)
    _bring_back(target)
    if target.exists() and not target.is_dir():
        raise InputError(f"{target} is a file; give a folder that is empty or does not exist yet")
    if not target.is_dir() or not any(target.iterdir()):
        return
    if not overwrite:
        hint = " or use `overwrite=True`" if is_own_folder(target) else ""
        raise InputError(f"{target} is not empty; give another folder{hint}")
    if not is_own_folder(target):
        raise InputError(
            f"{target} was not written by cmexam-baseline, so it is not replaced; give another folder or remove it yourself"
        )


def is_own_folder(folder: PathLike) -> bool:
    """Whether a run's config.json, an encoder.json or a model's manifest identifies a folder as written by this package."""
    for name, keys in _IDENTIFIED_BY.items():
        try:
            content = json.loads((Path(folder) / name).read_bytes())
        except (OSError, ValueError, RecursionError):
            continue
        if isinstance(content, dict) and keys <= content.keys():
            return True
    return False


def check_output_folder(path: PathLike, inputs: Iterable[PathLike] = (), *, overwrite: bool = False) -> None:
    """Refuse a folder for results before the work: raises `InputError` if it must not be replaced or cannot be made.

    inputs: what the work reads; the folder must not be one of them, contain one or contain the current folder
    """
    target = Path(path).resolve()
    if target in (Path.cwd(), *Path.cwd().parents):
        raise InputError(f"{path} is the current folder or one above it; give a folder of its own")
    for one in inputs:
        if target in (Path(one).resolve(), *Path(one).resolve().parents):
            raise InputError(f"{path} is or contains the input {one}; give another folder for the output")
    refuse_taken(path, overwrite)
    refuse_unwritable(path)


def check_output(
    path: PathLike, inputs: Iterable[PathLike] = (), *, overwrite: bool = False, append: bool = False
) -> None:
    """Refuse a file for results before the work: raises `InputError` if it must not be replaced or cannot be written.

    inputs: files and folders that the work reads; the file must not be one of them, nor a split's file in one of them
    append: the work adds to an existing file, whoever wrote it

    An existing file is replaced with `overwrite`, or if this package wrote it.
    """
    target = Path(path)
    if target.is_dir():
        raise InputError(f"{target} is a folder; give the name of a file")
    for one in map(Path, inputs):
        # As `split_files` looks for them.
        folders = (one.resolve(), one.resolve() / "data") if split_of(stem_of(target)) else ()
        is_split = target.exists() and target.resolve().parent in folders
        is_same = target.exists() and one.exists() and target.samefile(one)
        if is_split or is_same or target.resolve() == one.resolve():
            raise InputError(f"{target} is also an input; give another file for the output")
    if target.exists() and not (overwrite or append or _is_own_file(target)):
        raise InputError(
            f"{target} exists and was not written by cmexam-baseline; give another file or use `overwrite=True`"
        )
    refuse_unwritable(target)


def _is_own_file(file: Path) -> bool:
    if not file.is_file():  # /dev/stdout and the like hold nothing that could be lost
        return True
    with file.open("rb") as stream:
        head = stream.read(4096)
    return not head or _OWN_FILE.search(head) is not None


def refuse_unwritable(path: PathLike) -> None:
    """Raise `InputError` if nothing can be made at `path`, so that long work need not end with that.

    Folders above it that are not there yet count as if they were made.
    """
    above = Path(path).absolute().parent
    while not above.exists():
        above = above.parent
    if not above.is_dir() or not os.access(above, os.W_OK | os.X_OK):
        raise InputError(f"{path} cannot be made: {above} cannot be written to; choose another place")


@contextmanager
def _temporary(target: Path, is_folder: bool) -> Iterator[Path]:
    """An empty file or folder beside `target`, locked while the block lasts, gone after it unless it was renamed."""
    for abandoned in _siblings(target, _UNFINISHED):
        with try_lock(abandoned) as held:
            if held:
                _remove(abandoned)
    while True:
        name = _UNFINISHED, _beginning(target), target.parent
        if is_folder:
            temporary = Path(tempfile.mkdtemp(*name))
        else:
            descriptor, file = tempfile.mkstemp(*name)
            os.close(descriptor)
            temporary = Path(file)
        with try_lock(temporary):
            # Another process may have taken the new name for abandoned, and removed it, before it was locked.
            if temporary.exists():
                try:
                    yield temporary
                finally:
                    _remove(temporary)
                return


def _remove(path: Path) -> None:
    shutil.rmtree(path, ignore_errors=True)
    with suppress(OSError):  # no file, gone, or another user's
        path.unlink()


def _siblings(target: Path, end: str) -> list[Path]:
    """What lies beside `target` under a hidden name made of its own and this end, in order of the names."""
    try:
        paths = sorted(target.parent.iterdir())
    except OSError:  # not there, or not to be listed
        return []
    return [path for path in paths if path.name.startswith(_beginning(target)) and path.name.endswith(end)]


def _beginning(target: Path) -> str:
    return f".{target.name[:60]}."


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
    # There is a moment with nothing under the name: `_bring_back` undoes it if the process is killed then.
    aside = temporary.with_name(temporary.name.removesuffix(_UNFINISHED) + _REPLACED)
    with try_lock(target):
        target.rename(aside)
        try:
            temporary.rename(target)
        except OSError:
            aside.rename(target)
            raise
        aside.rename(temporary)


def _bring_back(target: Path) -> None:
    """If nothing has the name `target` and a killed process left its folder beside it, rename that."""
    for path in () if target.exists() else _siblings(target, _REPLACED):
        with try_lock(path) as held:
            if held:
                path.rename(target)
                return


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


@contextmanager
def try_lock(path: PathLike) -> Iterator[bool | None]:
    """Hold the lock of a file or folder while the block lasts, if it can be had.

    Gives True where it is held, False where another holder has it, None where nothing is there or there are no locks.
    """
    if fcntl is None:
        yield None
        return
    try:
        # Some network file systems lock only what is open for writing.
        descriptor = os.open(path, os.O_RDONLY if Path(path).is_dir() else os.O_RDWR)
    except OSError:
        yield None
        return
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Between opening and locking, its owner may have given it another name.
            held: bool | None = os.path.samestat(os.fstat(descriptor), Path(path).stat())
        except (BlockingIOError, FileNotFoundError):
            held = False
        except OSError:  # a file system without locks
            held = None
        yield held
    finally:
        os.close(descriptor)


@contextmanager
def locked(path: PathLike, instead: str) -> Iterator[None]:
    """Hold the lock of a file or folder while the block lasts; without locks, do nothing.

    Raises `InputError` with the advice `instead` where another process, or this one, holds it.
    """
    with try_lock(path) as held:
        if held is False:
            raise InputError(f"{os.fspath(path)} is in use by another command; {instead}")
        yield
