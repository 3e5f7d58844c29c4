"""The files that a submission sees: Python, its packages, shared libraries, and a private folder."""

from __future__ import annotations

import os
import sys
import sysconfig
from collections.abc import Collection, Iterable
from glob import glob
from pathlib import Path

import autograder
from autograder.sandbox import kernel

DEVICES = ("/dev/null", "/dev/zero", "/dev/urandom", "/dev/random")
_PACKAGE_FOLDERS = ("site-packages", "dist-packages")
_USED_BY_THE_LOADER = ("/etc/ld.so.cache", "/etc/localtime")
# Torch chooses its kernels by what the processor can do; without this it takes slower ones.
PROCESSOR = (
    "/proc/cpuinfo",
    "/sys/devices/system/cpu/possible",
    "/sys/devices/system/cpu/present",
    "/sys/devices/system/cpu/online",
)
# The root is assembled here; every machine has this folder, and nothing that we show lies in it.
_STAGE = "/sys"

BOX = "/box"
"""Where the private folder of a submission is mounted in its own root."""


class NotReachable(RuntimeError):
    """Something that a submission needs cannot be shown to it; the message says what."""


def visible_paths() -> list[str]:
    """What may be read: call it after everything is imported, as it looks at what is loaded.

    Never a folder that merely happens to be on `sys.path`, such as a repository with its tests.
    """
    folders = {sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib"), *_package_folders()}
    paths = {*folders, *map(os.path.realpath, folders), os.path.realpath(sys.executable)}
    # A Python started anew learns from it where its packages lie.
    paths.add(os.path.join(sys.prefix, "pyvenv.cfg"))
    for file in _mapped_files():
        paths.add(os.path.dirname(file) if ".so" in os.path.basename(file) else file)
    for loader in glob("/lib*/ld-*.so*"):  # named in every program, by way of a linked folder
        paths.add(os.path.join(os.path.realpath(os.path.dirname(loader)), os.path.basename(loader)))
    return _outermost(p for p in {*paths, *_USED_BY_THE_LOADER} if os.path.exists(p))


def holds(folders: Iterable[str], path: str) -> bool:
    return any(path == f or path.startswith(f.rstrip("/") + "/") for f in folders)


def hidden_paths() -> list[str]:
    """Where this package, or an installed copy of it, lies: with the hidden suites in it."""
    package = os.path.dirname(os.path.realpath(autograder.__file__))
    repository = os.path.dirname(package)
    installed = os.path.basename(repository) in _PACKAGE_FOLDERS
    stdlib = os.path.realpath(sysconfig.get_path("stdlib"))
    folders = {*_package_folders(), *(os.path.join(stdlib, name) for name in _PACKAGE_FOLDERS)}
    copies = {os.path.join(folder, "autograder") for folder in folders}
    copies |= {os.path.realpath(copy) for copy in copies}
    return sorted({package if installed else repository, *filter(os.path.isdir, copies)})


def without(paths: Iterable[str], hidden: Collection[str]) -> list[str]:
    """`paths`, with each folder that holds something hidden replaced by its other entries."""
    kept: list[str] = []
    for path in paths:
        if path in hidden:
            continue
        if any(holds([path], h) for h in hidden):
            kept += without((os.path.join(path, name) for name in os.listdir(path)), hidden)
        else:
            kept.append(path)
    return kept


def check_reachable() -> None:
    """Try to read what was loaded, as the user that this process is now.

    Raises:
        NotReachable: names the file and the way out.
    """
    for name in ("os", "torch", "numpy", "gymnasium"):
        file = sys.modules[name].__file__ or ""
        try:
            open(file, "rb").close()
        except OSError as error:
            raise NotReachable(
                f"{file} cannot be read inside the sandbox ({error.strerror}). Install Python and the "
                "packages where every user can read them, such as a virtual environment in /opt."
            ) from error


class Root:
    """A read-only root with what `visible_paths` names, at `_STAGE`; needs its own mount namespace."""

    def __init__(self, paths: Collection[str]) -> None:
        processor = {path: Path(path).read_bytes() for path in PROCESSOR if os.path.exists(path)}
        kernel.mount(None, "/", None, kernel.MS_REC | kernel.MS_PRIVATE)
        kernel.mount(
            "root", _STAGE, "tmpfs", kernel.MS_NOSUID | kernel.MS_NODEV, "size=8m,mode=755"
        )
        for path in paths:
            self._show(path)
            kernel.make_read_only(_STAGE + path)
        for path in hidden_paths():
            if holds(paths, path):
                kernel.mount("hidden", _STAGE + path, "tmpfs", kernel.MS_NOSUID, "size=4k,mode=000")
        for device in DEVICES:
            self._show(device)
        self._link_libraries()
        self._link_executable()
        os.mkdir(_STAGE + BOX)
        for link, target in (("/tmp", f"{BOX}/tmp"), ("/dev/shm", f"{BOX}/shm")):
            if not os.path.lexists(_STAGE + link):  # a virtual environment may lie in /tmp
                os.symlink(target, _STAGE + link)
        os.makedirs(f"{_STAGE}/etc", exist_ok=True)
        for path, content in processor.items():
            os.makedirs(os.path.dirname(_STAGE + path), exist_ok=True)
            Path(_STAGE + path).write_bytes(content)
        Path(_STAGE, "etc/passwd").write_text(f"student:x:1000:1000::{BOX}/work:/bin/false\n")
        Path(_STAGE, "etc/group").write_text("student:x:1000:\n")

    def enter(self) -> None:
        kernel.change_root(_STAGE)

    @staticmethod
    def _show(path: str) -> None:
        target = _STAGE + path
        if os.path.isdir(path):
            os.makedirs(target, exist_ok=True)
        else:
            os.makedirs(os.path.dirname(target), exist_ok=True)
            Path(target).touch()
        kernel.mount(path, target, None, kernel.MS_BIND | kernel.MS_REC)

    @staticmethod
    def _link_libraries() -> None:
        """/lib, /lib64 and the like as links, where this machine has them so."""
        for name in ("/lib", "/lib64", "/lib32"):
            if os.path.islink(name) and not os.path.lexists(_STAGE + name):
                os.symlink(os.readlink(name), _STAGE + name)

    @staticmethod
    def _link_executable() -> None:
        """`sys.executable` and the virtual environment's marker: multiprocessing starts it anew."""
        if not os.path.lexists(_STAGE + sys.executable):
            os.makedirs(os.path.dirname(_STAGE + sys.executable), exist_ok=True)
            os.symlink(os.path.realpath(sys.executable), _STAGE + sys.executable)
        marker = os.path.join(sys.prefix, "pyvenv.cfg")
        if os.path.isfile(marker) and not os.path.lexists(_STAGE + marker):
            Path(_STAGE + marker).write_bytes(Path(marker).read_bytes())


def _package_folders() -> list[str]:
    return [p for p in sys.path if os.path.basename(p) in _PACKAGE_FOLDERS and os.path.isdir(p)]


def _mapped_files() -> set[str]:
    """Shared libraries and other files that this process has mapped."""
    fields = (line.split(None, 5) for line in Path("/proc/self/maps").read_text().splitlines())
    return {f[5] for f in fields if len(f) == 6 and f[5].startswith("/") and os.path.isfile(f[5])}


def _outermost(paths: Iterable[str]) -> list[str]:
    """Each path once, without those that lie in another one."""
    kept: list[str] = []
    for path in sorted(set(paths)):
        if not holds(kept, path):
            kept.append(path)
    return kept
