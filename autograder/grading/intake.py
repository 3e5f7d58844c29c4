"""From what lies on the TA's disk to the files that are graded: whose they are, and why some are not there.

Only the files named for the assignment are taken, at the top of what a student handed in, or in a folder below it
when that leaves no doubt. Everything that is wrong becomes a status and a sentence; nothing raises, nothing is
unpacked, nothing is written, and no link is followed.
"""

from __future__ import annotations

import codecs
import hashlib
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from autograder.errors import AutograderError
from autograder.grading import gradescope
from autograder.grading.names import unique_names
from autograder.grading.trees import (
    ARCHIVE,
    OTHER_ARCHIVES,
    Archive,
    Entry,
    Folder,
    Sentence,
    Tree,
    Unreadable,
    file_entry,
    is_junk,
    open_archive,
    open_inner_archive,
    other_archive,
)

MAX_FILE = 2**20  # bytes of one source file

_CANVAS = re.compile(
    r"(?P<name>.+?)(?P<late>_late)?_(?P<number>\d+)_(?P<attempt>\d+)_(?P<file>.+)", re.IGNORECASE
)
_MOODLE = re.compile(
    r"(?P<name>.+?)_(?P<number>\d+)_assignsubmission_(?:file|onlinetext)_?(?P<file>.*)"
)
_AGAIN = re.compile(r"-(\d+)(?=\.\w+$)")  # Canvas counts files of one name: worker-1.py
_COOKIE = re.compile(rb"^[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)")


class IntakeError(AutograderError):
    """A path that holds no submissions at all: the call is wrong, not a student."""

    exit_code = 2


@dataclass(frozen=True)
class Submission:
    """What one student handed in.

    `status` None: it can be graded, though perhaps not all of it: `missing` maps each named file that could not be
    taken to the reason, and its questions score 0. When no file at all could be taken, `status` is "missing_file"
    (there is none, or only empty ones) or "unreadable" (there is something, but it cannot be used).

    `identity` is what a course platform knows the student by: `name`, `email`, `sid`, `canvas_id`, `moodle_id`.
    `sha256` covers names and bytes of the files, and the reasons for those that are missing.
    """

    student: str
    files: Mapping[str, bytes]
    sha256: str
    status: str | None = None
    message: str = ""
    warnings: tuple[str, ...] = ()
    submitted_at: datetime | None = None
    missing: Mapping[str, str] = field(default_factory=dict)
    identity: Mapping[str, str] = field(default_factory=dict)


def collect(
    paths: Iterable[str | Path],
    assignment: Any,
    language: str = "en",
    exclude: Iterable[str | Path] = (),
) -> list[Submission]:
    """Every submission under `paths`, sorted by student.

    A path is a folder or a zip of submissions (each a folder, a zip or single .py files; also as Gradescope, Canvas
    and Moodle export them), or one submission: a folder or zip that directly holds a file of the assignment, or a .py
    file. Folders in `exclude` (the output's own, say) are passed over. Sentences are in `language`, "en" or "zh".
    """
    with ExitStack() as open_files:
        desk = _Desk(assignment, open_files, {Path(path).resolve() for path in exclude})
        hand_ins = sorted(desk.hand_ins(paths), key=lambda hand_in: (hand_in.name, hand_in.number))
        students = unique_names([(hand_in.name, hand_in.number) for hand_in in hand_ins])
        submissions = [
            _submission(hand_in, student, assignment, language)
            for hand_in, student in zip(hand_ins, students)
        ]
    return sorted(submissions, key=lambda submission: submission.student)


@dataclass
class _HandIn:
    """Whose it is according to the source, and how to get at it (`open` may raise Unreadable)."""

    name: str
    open: Callable[[], Tree]
    number: str = ""
    identity: dict[str, str] = field(default_factory=dict)
    submitted_at: datetime | None = None
    notes: list[Sentence] = field(default_factory=list)


class _Desk:
    """Decides which of the things on the desk are one submission, and which a whole class."""

    def __init__(self, assignment: Any, open_files: ExitStack, exclude: set[Path]) -> None:
        self._files: tuple[str, ...] = assignment.files
        self._named = {name.casefold() for name in assignment.files}
        self._questions = {
            file: [q.name for q in assignment.questions if q.file == file]
            for file in assignment.files
        }
        self._open_files = open_files
        self._exclude = exclude

    def hand_ins(self, paths: Iterable[str | Path]) -> Iterator[_HandIn]:
        resolved = []
        for path in paths:
            real = Path(path).resolve()
            if not real.is_dir() and not real.is_file():
                raise IntakeError(f"{path} is neither a folder nor a file.")
            if real not in resolved and real not in self._exclude:
                resolved.append(real)
        folders = [path for path in resolved if path.is_dir()]
        files = [path for path in resolved if not path.is_dir()]
        # Beside a path that is clearly one submission (`grade hw1 class/*`), the others are too.
        one_each = len(resolved) > 1 and (
            bool(files) or any(self._is_one(Folder(path)) for path in folders)
        )
        for folder in folders:
            yield from self._from_folder(folder, one_each)
        yield from self._from_files(files)

    def _from_folder(self, path: Path, one_each: bool) -> Iterator[_HandIn]:
        folder = Folder(path)
        one = _HandIn(path.name, lambda: folder)
        try:
            if self._is_one(folder) or (one_each and self._copies(folder) <= 1):
                yield one
                return
            children = [entry for entry in folder.top() if self._is_hand_in(entry)]
        except Unreadable:
            yield one
            return
        if _has_metadata(folder) or children:
            yield from self._from_class(self._unwrapped(folder), path)
        else:
            yield one

    def _from_files(self, paths: Sequence[Path]) -> Iterator[_HandIn]:
        named: dict[Path, list[Entry]] = {}
        loose = []
        for path in paths:
            entry = file_entry(path)
            if path.name.casefold() in self._named:
                named.setdefault(path.parent, []).append(entry)
            elif path.suffix.lower() == ARCHIVE and not _platform(entry.name):
                yield from self._from_archive(path)
            else:
                loose.append(entry)
        for folder, entries in named.items():
            yield _HandIn(folder.name, _given(Archive(entries)))
        yield from self._from_class(Archive(loose), None, every=True)

    def _from_archive(self, path: Path) -> Iterator[_HandIn]:
        try:
            file = self._open_files.enter_context(path.open("rb"))
            archive = self._unwrapped(open_archive(file, path.name))
        except (Unreadable, OSError) as error:
            yield _HandIn(path.stem, _refused(error))
            return
        if self._is_class(archive):
            yield from self._from_class(archive, None)
        else:
            yield _HandIn(path.stem, lambda: archive)

    def _from_class(self, tree: Tree, path: Path | None, every: bool = False) -> Iterator[_HandIn]:
        if _has_metadata(tree):
            yield from self._from_gradescope(tree)
            return
        shared: dict[tuple[str, str], _HandIn] = {}
        entries: dict[tuple[str, str], list[Entry]] = {}
        for entry in tree.top():
            platform = _platform(entry.name)
            if path and path / entry.name in self._exclude:
                continue
            if platform and (entry.kind == "folder" or platform.file):
                key = (platform.name, platform.number)
                hand_in = shared.setdefault(
                    key, _HandIn(*key[:1], _given(Archive([])), key[1], platform.identity)
                )
                hand_in.notes += [note for note in platform.notes if note not in hand_in.notes]
                if entry.kind == "folder":
                    inner = tree.inside(entry.name)
                    entries.setdefault(key, []).extend(_contents(inner))
                else:
                    entries.setdefault(key, []).append(replace(entry, path=(platform.file,)))
            elif entry.kind == "file" and entry.name.lower().endswith(".py"):
                for student, named in self._single_file(entry):
                    key = (student, "")
                    shared.setdefault(key, _HandIn(student, _given(Archive([]))))
                    entries.setdefault(key, []).append(named)
            elif entry.kind == "folder":
                inner = tree.inside(entry.name)
                if not is_junk(entry.name) or self._is_one(inner):
                    yield _HandIn(entry.name, _given(inner))
            elif every or self._is_hand_in(entry):
                yield _HandIn(_stem(entry.name), _opener(entry))
        for key, hand_in in shared.items():
            hand_in.open = _given(Archive(entries[key]))
            yield hand_in

    def _from_gradescope(self, tree: Tree) -> Iterator[_HandIn]:
        metadata = next(entry for entry in tree.top() if entry.name == gradescope.METADATA)
        known = gradescope.read(metadata)
        for entry in tree.top():
            if entry.kind != "folder" or is_junk(entry.name):
                continue
            inner = tree.inside(entry.name)
            submission = known.get(entry.name, gradescope.UNKNOWN)
            if not submission.students:
                yield _HandIn(entry.name, _given(inner), submitted_at=submission.submitted_at)
            for student in submission.students:
                yield _HandIn(
                    student.get("name") or student.get("email") or entry.name,
                    _given(inner),
                    student.get("sid") or student.get("email") or entry.name,
                    student,
                    submission.submitted_at,
                )

    def _single_file(self, entry: Entry) -> list[tuple[str, Entry]]:
        """The student of a lone .py file, and the named file (or files) that it stands for."""
        stem = _stem(entry.name)
        for file in self._files:
            own = re.escape(_stem(file))
            match = re.fullmatch(rf"(.+)[-_ .]{own}|{own}[-_ .](.+)", stem, re.IGNORECASE)
            if match:
                return [(match[1] or match[2], replace(entry, path=(file,)))]
        if len(self._files) == 1:
            return [(stem, replace(entry, path=self._files))]
        try:
            source = entry.read(MAX_FILE)
        except Unreadable:
            return [(stem, replace(entry, path=(self._files[0],)))]
        defined = set(re.findall(rb"^(?:def|class)[ \t]+(\w+)", source, re.MULTILINE))
        targets = [
            file
            for file, questions in self._questions.items()
            if defined & {name.encode() for name in questions}
        ]
        return [(stem, replace(entry, path=(file,))) for file in targets] or [(stem, entry)]

    def _is_one(self, tree: Tree) -> bool:
        try:
            return any(entry.name.casefold() in self._named for entry in tree.top())
        except Unreadable:
            return False

    def _is_hand_in(self, entry: Entry) -> bool:
        """Whether an entry of a class's folder is somebody's submission and no list, note or the like."""
        suffix = Path(entry.name.lower()).suffix
        if entry.kind == "folder":
            return not is_junk(entry.name)
        return not is_junk(entry.name) and (
            suffix in (ARCHIVE, ".py", ".ipynb", *OTHER_ARCHIVES)
            or _platform(entry.name) is not None
            or (entry.kind != "file" and not suffix)
        )

    def _is_class(self, archive: Tree) -> bool:
        if _has_metadata(archive):
            return True
        if self._is_one(archive):
            return False
        copies = self._copies(archive)
        inner = sum(entry.name.lower().endswith(ARCHIVE) for entry in archive.walk())
        platform = any(_platform(entry.name) for entry in archive.top())
        return copies > 1 or platform or (copies == 0 and inner > 1)

    def _unwrapped(self, tree: Tree) -> Tree:
        """The class's folder when it is alone in another one."""
        children = [entry for entry in tree.top() if not is_junk(entry.name)]
        if len(children) != 1 or children[0].kind != "folder" or _platform(children[0].name):
            return tree
        inner = tree.inside(children[0].name)
        if _has_metadata(inner):
            return inner
        return inner if not self._is_one(inner) and self._copies(inner) > 1 else tree

    def _copies(self, tree: Tree) -> int:
        try:
            names = Counter(entry.name.casefold() for entry in tree.walk())
        except Unreadable:
            return 0
        return max(names[name] for name in self._named)


@dataclass
class _Platform:
    name: str
    number: str
    file: str
    identity: dict[str, str]
    notes: list[Sentence]


def _platform(name: str) -> _Platform | None:
    """What Canvas and Moodle say in a file's name."""
    if match := _MOODLE.fullmatch(name):
        identity = {"name": match["name"], "moodle_id": match["number"]}
        return _Platform(match["name"], match["number"], match["file"], identity, [])
    if match := _CANVAS.fullmatch(name):
        late = [Sentence("Handed in late, says Canvas.", "Canvas 标记为迟交。")]
        return _Platform(
            match["name"],
            match["number"],
            match["file"],
            {"name": match["name"], "canvas_id": match["number"]},
            late if match["late"] else [],
        )
    return None


def _has_metadata(tree: Tree) -> bool:
    try:
        return any(e.name == gradescope.METADATA and e.kind == "file" for e in tree.top())
    except Unreadable:
        return False


def _contents(tree: Tree) -> list[Entry]:
    try:
        return tree.walk()
    except Unreadable:
        return []


def _given(tree: Tree) -> Callable[[], Tree]:
    return lambda: tree


def _refused(error: Exception) -> Callable[[], Tree]:
    def refuse() -> Tree:
        if isinstance(error, Unreadable):
            raise error
        raise Unreadable(f"It cannot be read ({error}).", f"无法读取（{error}）。")

    return refuse


def _opener(entry: Entry) -> Callable[[], Tree]:
    """How to open an entry of a class's folder that is no folder and no .py file."""
    if entry.kind == "link":
        return _refused(_is_link(entry.name))
    if entry.kind != "file":
        return _refused(_is_special(entry.name))
    if entry.name.lower().endswith(ARCHIVE):
        return lambda: open_inner_archive(entry)
    return _given(Archive([entry]))


def _stem(name: str) -> str:
    return name[: -len(Path(name).suffix)] if Path(name).suffix else name


def _submission(hand_in: _HandIn, student: str, assignment: Any, language: str) -> Submission:
    notes = list(hand_in.notes)
    try:
        files, problems = _take(hand_in.open(), assignment.files, notes)
    except Unreadable as error:
        files, problems = {}, dict.fromkeys(assignment.files, (error.sentence, True))
    except Exception as error:  # noqa: BLE001 - a bad submission never stops a class
        reason = _shown(f"{type(error).__name__}: {error}")
        sentence = Sentence(
            f"It cannot be read ({reason}). Make it anew and hand it in again.",
            f"无法读取（{reason}）。请重新制作后再次提交。",
        )
        files, problems = {}, dict.fromkeys(assignment.files, (sentence, True))

    if student != unicodedata.normalize("NFC", hand_in.name):  # nobody sees that difference
        shown = _shown(hand_in.name)
        notes.append(
            Sentence(
                f"The name “{shown}” cannot stand here as it is; it became “{student}”.",
                f"名字“{shown}”无法直接使用，已改为“{student}”。",
            )
        )
    notes += _lateness(hand_in.submitted_at, assignment.due)

    def say(sentence: Sentence) -> str:
        return sentence.zh if language == "zh" else sentence.en

    missing = {file: say(sentence) for file, (sentence, _) in problems.items()}
    status = None
    if not files:
        unusable = any(there for _, there in problems.values())
        status = "unreadable" if unusable else "missing_file"
    return Submission(
        student=student,
        files=files,
        sha256=_sha256(assignment.files, files, problems),
        status=status,
        message=" ".join(dict.fromkeys(missing.values())),
        warnings=tuple(map(say, notes)),
        submitted_at=hand_in.submitted_at,
        missing=missing,
        identity=dict(hand_in.identity),
    )


_Problem = tuple[Sentence, bool]  # the reason, and whether something is there that cannot be used


def _take(
    tree: Tree, names: Sequence[str], notes: list[Sentence]
) -> tuple[dict[str, bytes], dict[str, _Problem]]:
    """The named files of one student's tree, and why the others are not there."""
    entries = tree.walk()
    if not any(_matches(entry, name) for entry in entries for name in names):
        archives = [entry for entry in entries if entry.name.lower().endswith(ARCHIVE)]
        if len(archives) == 1 and archives[0].kind == "file":
            tree = open_inner_archive(archives[0])
            entries = tree.walk()
        for entry in entries if not archives else ():
            if Path(entry.name.lower()).suffix in OTHER_ARCHIVES:
                raise other_archive(_shown(entry.name), Path(entry.name).suffix)
    folders = {entry.name for entry in tree.top() if entry.kind == "folder"}
    crowd = Counter(
        entry.path[:-1] for entry in entries if any(_matches(entry, name) for name in names)
    )
    files: dict[str, bytes] = {}
    problems: dict[str, _Problem] = {}
    for name in names:
        matches = [entry for entry in entries if _matches(entry, name)]
        try:
            if not matches:
                problems[name] = _absent(name, names, entries, folders)
            elif content := _content(name, matches, crowd, notes):
                files[name] = content
            else:
                sentence = Sentence(f"{name} is empty.", f"{name} 是空文件。")
                problems[name] = (sentence, False)
        except Unreadable as error:
            problems[name] = (error.sentence, True)
    return files, problems


def _matches(entry: Entry, name: str) -> bool:
    return _AGAIN.sub("", entry.name).casefold() == name.casefold()


def _content(
    name: str, matches: list[Entry], crowd: Counter[tuple[str, ...]], notes: list[Sentence]
) -> bytes:
    """The one file that is meant, checked to be source text."""
    candidates = [entry for entry in matches if entry.kind == "file"]
    if not candidates:
        raise (_is_link if matches[0].kind == "link" else _is_special)(name)

    def rank(entry: Entry) -> tuple[int, int, int, int]:
        """Nearest to the top, beside most of the other files, rightly named, handed in last."""
        again = _AGAIN.search(entry.name)
        spelt = again is None and entry.name != name
        return len(entry.path), -crowd[entry.path[:-1]], spelt, -int(again[1]) if again else 0

    best = min(map(rank, candidates))
    candidates = [entry for entry in candidates if rank(entry) == best]
    contents = [entry.read(MAX_FILE) for entry in candidates[-8:]]
    chosen = candidates[-1]
    if len(set(contents)) > 1:
        paths = dict.fromkeys(entry.shown for entry in candidates)
        if len(paths) > 1:
            listed = ", ".join(map(_shown, list(paths)[:4]))
            raise Unreadable(
                f"{name} is there several times, and they differ ({listed}). Hand in only one.",
                f"{name} 有多份且内容不同（{listed}）。请只提交一份。",
            )
        notes.append(
            Sentence(
                f"{name} is in the zip several times; the last one was graded.",
                f"压缩包里有多个 {name}，评分使用最后一个。",
            )
        )
    if _AGAIN.sub("", chosen.name) != name:
        notes.append(
            Sentence(
                f"{_shown(chosen.name)} was taken for {name}.",
                f"{_shown(chosen.name)} 被当作 {name}。",
            )
        )
    _check_source(name, contents[-1])
    return contents[-1]


def _check_source(name: str, content: bytes) -> None:
    """Python's own rules for source files, in words for a student."""
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise Unreadable(
            f"{name} is saved as UTF-16, which Python cannot run. Save it as UTF-8 and hand it in anew.",
            f"{name} 保存成了 UTF-16 编码，Python 无法运行。请另存为 UTF-8 后重新提交。",
        )
    if b"\0" in content:
        raise Unreadable(
            f"{name} holds NUL bytes: it is not a text file, or it is damaged. "
            "Open it in your editor, save it as UTF-8, and hand it in anew.",
            f"{name} 含有空字节：它不是文本文件，或已损坏。请用编辑器打开并另存为 UTF-8，再重新提交。",
        )
    first, _, rest = content.partition(b"\n")
    second = rest.partition(b"\n")[0] if not first.strip() or first.lstrip()[:1] == b"#" else b""
    cookie = _COOKIE.match(first) or _COOKIE.match(second)
    if cookie and cookie[1].lower().replace(b"_", b"-") not in (b"utf-8", b"utf8"):
        return
    try:
        content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise Unreadable(
            f"{name} is not UTF-8 text (line {line}), so Python cannot run it. "
            "Save it as UTF-8 in your editor and hand it in anew.",
            f"{name} 第 {line} 行不是 UTF-8 文本，Python 无法运行。请在编辑器中另存为 UTF-8 后重新提交。",
        ) from error


def _absent(name: str, names: Sequence[str], entries: list[Entry], folders: set[str]) -> _Problem:
    if name in folders:
        sentence = Sentence(
            f"{name} is a folder. Hand in the file {name} itself.",
            f"{name} 是一个文件夹。请提交 {name} 文件本身。",
        )
        return sentence, True
    notebooks = [entry.name for entry in entries if entry.name.lower().endswith(".ipynb")]
    if notebooks:
        shown = _shown(notebooks[0])
        sentence = Sentence(
            f"{name} is missing. {shown} is a notebook, which cannot be graded: "
            f"copy your functions into {name}.",
            f"缺少 {name}。{shown} 是 notebook，无法评分：请把函数复制到 {name} 中。",
        )
        return sentence, False
    others = {entry.name for entry in entries if entry.name.endswith(".py")}.difference(names)
    found = ", ".join(map(_shown, sorted(others)[:4]))
    sentence = Sentence(
        f"{name} is missing."
        + (f" Found instead: {found}. The name must be right." if found else ""),
        f"缺少 {name}。" + (f"只找到：{found}。文件名必须正确。" if found else ""),
    )
    return sentence, False


def _is_link(name: str) -> Unreadable:
    return Unreadable(
        f"{_shown(name)} is a link, not a file. Hand in the file itself.",
        f"{_shown(name)} 是一个链接，不是文件。请提交文件本身。",
    )


def _is_special(name: str) -> Unreadable:
    return Unreadable(
        f"{_shown(name)} is not an ordinary file. Hand in the file itself.",
        f"{_shown(name)} 不是普通文件。请提交文件本身。",
    )


def _shown(name: str) -> str:
    """A name from outside, fit for a line of text."""
    clean = "".join("?" if unicodedata.category(c).startswith("C") else c for c in name)
    return clean if len(clean) <= 60 else f"{clean[:57]}…"


def _utc(when: datetime) -> datetime:
    return (when if when.tzinfo else when.replace(tzinfo=timezone.utc)).astimezone(timezone.utc)


def _lateness(submitted_at: datetime | None, due: datetime | None) -> list[Sentence]:
    if submitted_at is None or due is None or _utc(submitted_at) <= _utc(due):
        return []
    came, limit = (f"{_utc(when):%Y-%m-%d %H:%M} UTC" for when in (submitted_at, due))
    return [
        Sentence(
            f"Handed in on {came}, after the due date ({limit}).",
            f"提交时间 {came}，晚于截止时间 {limit}。",
        )
    ]


def _sha256(
    names: Sequence[str], files: Mapping[str, bytes], problems: Mapping[str, _Problem]
) -> str:
    digest = hashlib.sha256()
    for name in names:
        if name in files:
            parts = [b"file", name.encode(), files[name]]
        else:
            parts = [b"none", name.encode(), problems[name][0].en.encode("utf-8", "replace")]
        for part in parts:
            digest.update(len(part).to_bytes(8, "big"))
            digest.update(part)
    return digest.hexdigest()
