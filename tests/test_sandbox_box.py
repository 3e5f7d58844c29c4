"""A box answers, is fresh, stays within its limits, and is surely dead after `kill`."""

from __future__ import annotations

import contextlib
import os
from textwrap import dedent

import pytest
import torch
from sandbox_tools import LOCKED, answer, ask, box_of, open_template, processes, tell, wait_for

from autograder.sandbox import folders, host, wire
from autograder.sandbox.errors import SandboxCrashed, SandboxOutOfMemory, SandboxTimedOut
from autograder.sandbox.tree import Sample


@pytest.fixture(scope="module", params=LOCKED)
def template(request):
    with open_template(request.param) as template:
        assert template.isolation == request.param
        yield template


@pytest.fixture
def box(template):
    with box_of(template, {"answer.py": b"VALUE = 42\n", "data.bin": bytes(range(256))}) as box:
        yield box


# A fresh process


def test_files_lie_in_the_work_folder_and_import(box):
    assert ask(box, "import answer, os; result = answer.VALUE, sorted(os.listdir())") == (
        "(42, ['answer.py', 'data.bin'])"
    )
    assert ask(box, "result = list(open('data.bin', 'rb').read())") == repr(list(range(256)))


def test_names_that_leave_the_work_folder_are_refused(template):
    for name in ("../x.py", "/etc/x", "a/b.py", "..", ""):
        with pytest.raises(ValueError):
            template.spawn({name: b""})


def test_every_box_starts_alike(template):
    code = """
        import random, numpy, torch, tempfile
        result = random.random(), numpy.random.rand(), torch.rand(2).tolist(), tempfile.gettempdir()
        result = result[:3], torch.get_default_dtype(), torch.get_num_threads(), hash("a")
    """
    with box_of(template) as first:
        seen = ask(first, code)
        ask(first, "torch.set_default_dtype(torch.float64); torch.manual_seed(5)")
    with box_of(template) as second:
        assert ask(second, code) == seen
    assert "torch.float32, 1," in seen


def test_temporary_files_work_and_are_private(template):
    code = """
        import os, tempfile
        with tempfile.NamedTemporaryFile(delete=False) as file:
            file.write(b"x")
        result = os.listdir(tempfile.gettempdir())
    """
    with box_of(template) as first, box_of(template) as second:
        assert ask(first, code).count("'tmp") == 1
        assert ask(second, code).count("'tmp") == 1


def test_large_frames_cross_both_ways(box):
    code = """
        from autograder.sandbox import wire
        channel.sendall(wire.encode({"back": 2 * data}))
    """
    data = torch.arange(2.0**19)
    box.send(wire.encode({"code": dedent(code), "data": data}))
    assert torch.equal(wire.decode(box.receive(5))["back"], 2 * data)


def test_modules_that_were_not_preloaded_can_be_imported(box):
    assert ask(box, "import wave, sqlite3, torch.fft, numpy.polynomial; result = 1") == "1"


def test_torch_uses_the_kernels_that_it_uses_outside(box):
    capability = torch.backends.cpu.get_cpu_capability()
    assert ask(box, "import torch; result = torch.backends.cpu.get_cpu_capability()") == (
        repr(capability)
    )
    assert b"cpuinfo" not in box.output()


# Time


@pytest.mark.parametrize(
    "burn",
    [
        "while True: pass",
        """
        import os
        for _ in range(3):
            if os.fork() == 0:
                while True: pass
        while True: os.wait()
        """,
        """
        import os, signal, time
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel forgets what they used
        while True:
            if os.fork() == 0:
                end = time.process_time() + 0.3
                while time.process_time() < end: pass
                os._exit(0)
            try: os.wait()
            except OSError: pass
        """,
        """
        import signal
        for number in range(1, 65):
            try: signal.signal(number, signal.SIG_IGN)
            except (OSError, ValueError): pass
        while True:
            try:
                while True: pass
            except BaseException: pass
        """,
    ],
    ids=["loop", "children", "forgotten-children", "signals-ignored"],
)
def test_cpu_time_of_the_whole_tree_decides(box, burn):
    tell(box, burn)
    with pytest.raises(SandboxTimedOut, match="CPU time for one call"):
        box.receive(cpu_seconds=0.5)
    assert box.cpu_seconds() >= 0.5
    assert processes(box) == 0


def test_the_total_is_held_over_many_calls(template, monkeypatch):
    monkeypatch.setattr(
        template, "limits", template.limits.model_copy(update={"total_cpu_seconds": 1.0})
    )
    with box_of(template) as box, pytest.raises(SandboxTimedOut, match="in all"):
        for _ in range(100):
            ask(
                box,
                "import time\nend = time.process_time() + 0.2\nwhile time.process_time() < end: pass",
            )


@pytest.mark.parametrize(
    "nap",
    [
        "import time; time.sleep(1000)",
        "import os; os.kill(os.getpid(), 19); import time; time.sleep(1000)",
        "import threading; threading.Event().wait()",
        "import time\nwhile True: time.sleep(0.02)",
    ],
    ids=["sleep", "stopped", "lock", "naps"],
)
def test_a_sleeper_is_ended(box, nap, monkeypatch):
    monkeypatch.setattr(host, "_IDLE_AT_LEAST", 0.5)
    tell(box, nap)
    with pytest.raises(SandboxTimedOut, match="asleep"):
        box.receive(cpu_seconds=0.1)
    assert processes(box) == 0


class _Looks:
    """A tree that looks the same each time."""

    def __init__(self, runnable):
        self.runnable = runnable

    def sample(self):
        return Sample(0.0, self.runnable, 1)


class _Stub:
    def __init__(self, limits, runnable):
        self._limits, self._tree = limits, _Looks(runnable)
        self._idle = self._cpu_seconds = 0.0
        self.killed = False

    def kill(self):
        self.killed = True


@pytest.mark.parametrize("runnable", [True, False])
def test_a_process_that_gets_no_processor_is_not_idle(template, monkeypatch, runnable):
    clock_time = [0.0]
    monkeypatch.setattr(host.time, "monotonic", lambda: clock_time[0])
    stub = _Stub(template.limits, runnable)
    clock = host._Clock(stub, 1.0)
    try:
        for _ in range(1000):
            clock_time[0] += 0.3
            clock.look()
    except SandboxTimedOut:
        assert not runnable
        assert 10 < clock_time[0] < 20
    assert stub.killed is not runnable


# Memory, disk, output, processes


def test_too_much_memory_in_one_process_is_an_error_inside(box):
    assert ask(box, "x = bytearray(2**30)") == "MemoryError"
    assert ask(box, "import torch; x = torch.ones(2**28)") == "RuntimeError"
    assert ask(box, "import torch; result = torch.ones(2**20).sum().item()") == "1048576.0"


@pytest.mark.parametrize(
    "hoard",
    [
        """
        import os, time
        for _ in range(6):
            if os.fork() == 0:
                hoard = bytearray(150 * 2**20)
                hoard[::4096] = b"x" * len(hoard[::4096])
                time.sleep(1000)
        time.sleep(1000)
        """,
        """
        import mmap, time
        hoard = []
        while True:
            hoard.append(mmap.mmap(-1, 2**24))
            hoard[-1].write(b"x" * 2**24)
            time.sleep(0.01)
        """,
    ],
    ids=["children", "shared-mappings"],
)
def test_too_much_memory_in_all_ends_it(box, hoard):
    tell(box, hoard)
    with pytest.raises(SandboxOutOfMemory):
        box.receive(cpu_seconds=60)
    assert processes(box) == 0


def test_memory_outside_of_processes_cannot_be_had(box):
    assert ask(box, "import os; os.memfd_create('x')") == "PermissionError"
    code = "import ctypes; libc = ctypes.CDLL(None); result = libc.shmget(0, 4096, 0o1600)"
    assert ask(box, code) == "-1"


def test_a_full_disk_is_contained(template, box):
    code = """
        for i in range(400):
            with open(f"f{i}", "wb") as file:
                file.write(b"x" * 2**20)
        import time
        while True: time.sleep(1)
    """
    if template.isolation == "full":
        assert ask(box, code) == "OSError"
        assert ask(box, "import os; result = len(os.listdir()) < 30") == "True"
    else:
        tell(box, code)
        with pytest.raises(SandboxCrashed, match="disk"):
            box.receive(cpu_seconds=60)


def test_one_file_cannot_be_large(box):
    assert ask(box, "with open('f', 'wb') as f:\n while True: f.write(b'x' * 2**20)") == "OSError"


def test_many_files_are_contained(template, box):
    code = """
        import os, time
        for i in range(100_000):
            os.close(os.open(f"f{i}", os.O_CREAT))
        while True: time.sleep(1)
    """
    if template.isolation == "full":
        assert ask(box, code, 30) == "OSError"
    else:
        tell(box, code)
        with pytest.raises(SandboxCrashed, match="disk"):
            box.receive(cpu_seconds=60)


def test_a_deep_folder_hurts_nobody(template):
    with box_of(template) as box:
        tell(box, "import os\nwhile True: os.mkdir('d'); os.chdir('d')")
        with contextlib.suppress(SandboxCrashed):
            assert answer(box, 30) == "OSError"
    with box_of(template) as box:
        assert ask(box, "import os; result = os.listdir()") == "[]"


def test_folders_of_any_depth_and_mode_are_removed(tmp_path):
    kept = tmp_path / "kept"
    kept.mkdir()
    (kept / "file").write_text("x")
    top = tmp_path / "top"
    top.mkdir()
    (top / "link").symlink_to(kept)
    here = os.open(top, os.O_RDONLY)
    for _ in range(1500):
        os.mkdir("d", dir_fd=here)
        os.close(os.open("f", os.O_CREAT, dir_fd=here))
        deeper = os.open("d", os.O_RDONLY, dir_fd=here)
        os.fchmod(here, 0)
        os.close(here)
        here = deeper
    os.close(here)
    assert not folders.within(str(top), 10**9, 10**9) or os.geteuid() != 0
    folders.remove(str(top))
    assert not top.exists()
    assert (kept / "file").exists()


def test_prints_without_end_are_cut_and_do_not_block(box):
    code = "for _ in range(400): print('x' * 10_000)\nresult = 'done'"
    assert ask(box, code) == "'done'"
    assert len(box.output()) == 64 * 1024 + len(b"\n[output truncated]\n")
    assert box.output().endswith(b"[output truncated]\n")


def test_prints_arrive_in_order_from_both_streams_and_children(box):
    code = """
        import os, sys
        print("one", flush=True); print("two", file=sys.stderr, flush=True)
        if os.fork() == 0:
            os.write(1, b"three"); os._exit(0)
        os.wait()
    """
    ask(box, code)
    assert box.output() == b"one\ntwo\nthree"


def test_a_closed_output_hurts_nobody(box):
    assert ask(box, "import os; os.close(1); os.close(2); result = 1") == "1"
    assert ask(box, "result = 2") == "2"


BOMB = """
import os, resource, signal, threading, time
assert os.getuid() != 0 and resource.getrlimit(resource.RLIMIT_NPROC)[0] < 10_000, "unsafe to try"
end = time.monotonic() + 30
while time.monotonic() < end:
    try:
        BANG
    except (OSError, RuntimeError):
        pass
"""


@pytest.mark.parametrize(
    "bang",
    [
        "os.fork()",
        "signal.signal(17, 1); os.fork() and os._exit(0)",
        "threading.Thread(target=time.sleep, args=(1000,)).start()",
    ],
    ids=["forks", "hopping-forks", "threads"],
)
def test_bombs_are_held_and_killed(template, bang):
    with box_of(template) as box:
        tell(box, BOMB.replace("BANG", bang))
        with pytest.raises((SandboxTimedOut, SandboxCrashed)):
            box.receive(cpu_seconds=1.0)
        assert processes(box) == 0
    with box_of(template) as box:
        assert ask(box, "result = 1") == "1"


def test_no_more_processes_than_allowed(box):
    code = """
        import os, signal
        children = []
        try:
            for _ in range(100):
                if (pid := os.fork()) == 0:
                    signal.pause()
                children.append(pid)
        except OSError:
            pass
        result = len(children)
    """
    assert 2 < int(ask(box, code)) <= 12


def test_endless_recursion_is_an_error_or_a_crash_inside(box):
    assert ask(box, "def f(): return f()\nf()") == "RecursionError"


# Ends


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("import os; os._exit(3)", "exited with code 3"),
        ("import os; os.abort()", "SIG"),
        ("import ctypes; ctypes.string_at(0)", "SIGSEGV"),
        ("channel.close(); import time; time.sleep(1000)", "SIGKILL"),
        ("import os; os.close(3); import time; time.sleep(1000)", "SIGKILL"),
        ("channel.sendall(b'\\xff' * 8); import time; time.sleep(1000)", "caps"),
    ],
    ids=["exit", "abort", "segfault", "closed-channel", "closed-descriptor", "huge-frame"],
)
def test_an_end_before_the_answer(box, code, said):
    tell(box, code)
    with pytest.raises(SandboxCrashed, match=said):
        box.receive(cpu_seconds=5)
    assert processes(box) == 0
    with pytest.raises(SandboxCrashed):
        box.send(b"more")


def test_an_answer_before_the_end_arrives(box):
    tell(
        box,
        """
        import os
        from autograder.sandbox import wire
        channel.sendall(wire.encode({"answer": "last words"}))
        os._exit(0)
        """,
    )
    assert answer(box) == "last words"
    with pytest.raises(SandboxCrashed):
        ask(box, "result = 1")


def test_half_a_frame_is_no_answer(box):
    tell(box, "channel.sendall(b'\\x05\\x00\\x00'); import os; os._exit(0)")
    with pytest.raises(SandboxCrashed):
        box.receive(cpu_seconds=5)


def test_a_box_that_does_not_read_does_not_hold_us(box, monkeypatch):
    monkeypatch.setattr(host, "_IDLE_AT_LEAST", 0.3)
    tell(box, "import time; time.sleep(1000)")
    box._limits = box._limits.model_copy(update={"cpu_seconds": 0.1})
    with pytest.raises(SandboxTimedOut):
        for _ in range(100):
            box.send(wire.encode({"data": torch.zeros(10**6)}))


def test_nothing_is_left_of_daemons(template):
    code = """
        import os, signal, time
        for number in (1, 2, 15):
            signal.signal(number, signal.SIG_IGN)
        for _ in range(3):
            if os.fork() == 0:
                try: os.setsid()
                except OSError: pass
                if os.fork() == 0:
                    time.sleep(1000)
                os._exit(0)
            os.wait()
    """
    with box_of(template) as box:
        assert ask(box, code) == "None"
        assert processes(box) == 4
    assert processes(box) == 0


def test_python_can_be_started_anew(box):
    """As multiprocessing does, whoever may read the interpreter's files on this machine."""
    code = """
        import subprocess, sys
        started = subprocess.run([sys.executable, "-c", "import numpy; print(6 * 7)"], capture_output=True)
        result = started.stdout, started.stderr
    """
    assert ask(box, code) == r"(b'42\n', b'')"


def test_kill_again_is_nothing(box):
    box.kill()
    box.kill()
    assert box.cpu_seconds() > 0
    assert box.output() == b""


def test_boxes_side_by_side(template):
    boxes = [template.spawn({}) for _ in range(6)]
    try:
        for i, box in enumerate(boxes):
            tell(box, f"result = {i}")
        boxes[2].kill()
        assert [answer(b) for b in boxes if b is not boxes[2]] == ["0", "1", "3", "4", "5"]
    finally:
        for box in boxes:
            box.kill()


def test_forked_graders_share_a_template(template):
    graders = []
    for number in range(3):
        if (pid := os.fork()) == 0:
            try:
                with box_of(template) as box:
                    os._exit(int(ask(box, f"result = {number + 10}")))
            finally:
                os._exit(1)
        graders.append(pid)
    codes = [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in graders]
    assert codes == [10, 11, 12]
    with box_of(template) as box:
        assert ask(box, "result = 1") == "1"


def test_a_box_that_is_dropped_is_killed(template):
    box = template.spawn({})
    tree = box._tree
    del box
    wait_for(lambda: tree.sample().threads == 0, "a box that nobody holds is alive")


def test_descriptors_do_not_pile_up(template):
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(5):
        with box_of(template) as box:
            ask(box, "print('x')")
    assert len(os.listdir("/proc/self/fd")) == before
