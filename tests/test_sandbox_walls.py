"""What a locked-in program cannot see, reach or change."""

from __future__ import annotations

import fcntl
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from sandbox_tools import (
    LIMITS,
    LOCKED,
    answer,
    ask,
    box_of,
    open_template,
    tell,
)

import autograder
from autograder.sandbox import kernel, root
from autograder.sandbox.errors import SandboxCrashed
from autograder.sandbox.filters import Policy
from autograder.sandbox.host import Template
from autograder.sandbox.levels import tried

PACKAGE = Path(autograder.__file__).resolve().parent
REPOSITORY = PACKAGE.parent
SECRET = "correct-horse-battery-staple"


@pytest.fixture(scope="module", params=LOCKED)
def template(request):
    os.environ["SANDBOX_TEST_SECRET"] = SECRET
    try:
        with open_template(request.param) as template:
            yield template
    finally:
        del os.environ["SANDBOX_TEST_SECRET"]


@pytest.fixture
def box(template):
    with box_of(template) as box:
        yield box


# Reading


@pytest.mark.parametrize(
    "path",
    [
        REPOSITORY / "pyproject.toml",
        PACKAGE / "suites" / "__init__.py",
        PACKAGE / "course.py",
        Path(__file__),
        Path("/etc/hostname"),
        Path("/etc/shadow"),
        Path("/proc/self/environ"),
        Path("/proc/1/environ"),
        Path(f"/proc/{os.getpid()}/environ"),
        Path(f"/proc/{os.getpid()}/mem"),
        Path("/proc/mounts"),
        Path("/sys/kernel/version"),
        Path("/dev/mem"),
    ],
    ids=str,
)
def test_files_of_the_machine_cannot_be_opened(box, path):
    result = ask(box, f"open({str(path)!r}, 'rb').read(1)")
    assert result in ("PermissionError", "FileNotFoundError", "NotADirectoryError")


def test_folders_of_the_machine_cannot_be_listed(template, box):
    nothing = ("PermissionError", "FileNotFoundError")
    for folder in (PACKAGE, Path(__file__).parent, "/home", "/etc/ssl", "/run"):
        assert ask(box, f"import os; os.listdir({str(folder)!r})") in nothing
    # At level full the way to a virtual environment in the repository is there, and nothing beside it.
    shown = ask(box, f"import os; result = os.listdir({str(REPOSITORY)!r})")
    assert shown in (*nothing, "['.venv']")
    if template.isolation == "full":
        assert ask(box, "import os; result = os.listdir('/proc')") == "['cpuinfo']"


def test_what_python_needs_can_be_read(box):
    for module in ("os", "torch", "numpy", "gymnasium"):
        code = f"import {module}; result = len(open({module}.__file__, 'rb').read()) > 0"
        assert ask(box, code) == "True"


def test_hidden_suites_and_grading_code_cannot_be_imported(box):
    for module in ("autograder.suites", "autograder.grading.check", "sandbox_tools", "tests"):
        assert ask(box, f"import {module}") in ("ModuleNotFoundError", "PermissionError")
    loaded = ask(
        box, "import sys; result = [m for m in sys.modules if 'suites' in m or 'grading' in m]"
    )
    assert loaded == "[]"


def test_the_environment_tells_nothing(box):
    assert SECRET not in ask(box, "import os; result = dict(os.environ)")
    names = ask(box, "import os; result = sorted(os.environ)")
    assert "SANDBOX" not in names
    code = """
        import ctypes
        libc = ctypes.CDLL(None)
        environ = ctypes.POINTER(ctypes.c_char_p).in_dll(libc, "environ")
        result, i = [], 0
        while environ[i]:
            result.append(environ[i]); i += 1
    """
    assert SECRET not in ask(box, code)


def test_no_descriptor_but_the_channel_and_the_output(box):
    code = """
        import os
        result = []
        for number in range(2000):
            try: os.fstat(number)
            except OSError: continue
            result.append(number)
    """
    assert ask(box, code) == "[0, 1, 2, 3]"
    assert ask(box, "import os; result = os.read(0, 1)") == "b''"


def test_the_fork_server_holds_nothing_of_earlier_boxes(template):
    marker = b"SUBMISSION-" + os.urandom(8).hex().encode()
    with box_of(template, {"a.py": marker}) as box:
        ask(box, "data = open('a.py', 'rb').read()")
    with box_of(template) as box:
        code = f"""
            import gc
            result = any({marker[:8]!r} + {marker[8:]!r} in bytes(o) for o in gc.get_objects()
                         if isinstance(o, (bytes, bytearray)))
        """
        assert ask(box, code) == "False"


def test_an_installed_copy_of_this_package_is_hidden(tmp_path):
    """As if `pip install .` had put it among torch and numpy."""
    tmp_path.chmod(0o755)
    site = tmp_path / "site-packages"
    shutil.copytree(PACKAGE, site / "autograder", ignore=shutil.ignore_patterns("__pycache__"))
    (site / "neighbour.py").write_text("VALUE = 7\n")
    shutil.copy(Path(__file__).parent / "sandbox_child.py", site)
    code = f"""
        import sys
        sys.path[:] = {[str(site), *(p for p in sys.path if "site-packages" in p or "lib/python" in p)]!r}
        sys.path.append({str(Path(__file__).parent)!r})
        from sandbox_tools import *
        import autograder
        assert autograder.__file__.startswith({str(site)!r})
        for level in LOCKED:
            with open_template(level) as template, box_of(template) as box:
                print(level, ask(box, "import neighbour; result = neighbour.VALUE"),
                      ask(box, "import autograder.suites"),
                      ask(box, "open({str(site / "autograder/course.py")!r})"))
    """
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    run = subprocess.run(
        [sys.executable, "-c", "\n".join(line[8:] for line in code.splitlines())],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )
    lines = run.stdout.splitlines()
    assert len(lines) == len(LOCKED), run.stderr
    for line in lines:
        level, neighbour, imported, opened = line.split()
        assert neighbour == "7", level
        assert imported in ("ModuleNotFoundError", "PermissionError"), level
        assert opened in ("PermissionError", "FileNotFoundError"), level


def test_without_leaves_out_what_is_hidden(tmp_path):
    for name in ("a/x", "b/secret/y", "b/z"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    shown = root.without([str(tmp_path / "a"), str(tmp_path / "b")], [str(tmp_path / "b/secret")])
    assert sorted(shown) == [str(tmp_path / "a"), str(tmp_path / "b/z")]


# Writing


def test_nothing_outside_can_be_written(template, box, tmp_path):
    tmp_path.chmod(0o777)
    (tmp_path / "theirs").write_text("before")
    (tmp_path / "theirs").chmod(0o666)
    import torch

    targets = [
        tmp_path / "theirs",
        tmp_path / "new",
        Path(torch.__file__),
        "/etc/x",
        "/usr/lib/x",
        "/x",
    ]
    for target in map(str, targets):
        assert ask(box, f"open({target!r}, 'w')") in (
            "PermissionError",
            "FileNotFoundError",
            "OSError",
        )
    for call in ("os.unlink", "os.rmdir", "os.mkdir"):
        assert ask(box, f"import os; {call}({str(tmp_path / 'theirs')!r})").endswith("Error")
    assert ask(box, f"import os; os.rename('/box', {str(tmp_path / 'x')!r})").endswith("Error")
    assert (tmp_path / "theirs").read_text() == "before"
    assert os.listdir(tmp_path) == ["theirs"]


def test_modes_and_owners_outside_cannot_be_changed(box, tmp_path):
    tmp_path.chmod(0o755)
    file = tmp_path / "theirs"
    file.touch(0o600)
    before = file.stat()
    for call in ("os.chmod(p, 0o777)", "os.utime(p, (0, 0))", "os.truncate(p, 5)",
                 "os.setxattr(p, 'user.x', b'1')", "os.chown(p, os.getuid(), -1)"):  # fmt: skip
        assert ask(box, f"import os; p = {str(file)!r}; {call}").endswith("Error"), call
    after = file.stat()
    assert (before.st_mode, before.st_mtime, before.st_size) == (
        after.st_mode,
        after.st_mtime,
        after.st_size,
    )


# Rights


def test_no_capability_is_left(template, box):
    code = """
        import ctypes, struct
        libc = ctypes.CDLL(None)
        header, data = struct.pack("Ii", 0x20080522, 0), ctypes.create_string_buffer(24)
        assert libc.capget(header, data) == 0
        sets = struct.unpack("6I", data.raw)
        bounding = [c for c in range(41) if libc.prctl(23, c, 0, 0, 0) == 1]
        result = sets, bounding, libc.prctl(39, 0, 0, 0, 0)
    """
    sets, bounding, no_new_privileges = eval(ask(box, code))
    may_read = (
        1 << 2
    )  # Python in root's home: what Landlock allows can then be read, and nothing else
    allowed = {0, may_read} if template.isolation in ("restricted", "minimal") else {0}
    assert set(sets) <= allowed
    assert no_new_privileges == 1
    if os.geteuid() == 0 or template.isolation == "full":
        assert bounding == []


def test_another_user(template, box):
    if os.geteuid() == 0:
        assert ask(box, "import os; result = os.getuid(), os.getgroups()") != "(0, [])"
        assert ask(box, "import os; os.setuid(0)") in ("PermissionError", "OSError")
    if template.isolation == "restricted":
        with box_of(template) as other:
            assert ask(box, "import os; result = os.getuid()") != ask(
                other, "import os; result = os.getuid()"
            )


CALLS = {
    "ptrace": (101, (0, 0, 0, 0)),
    "process_vm_readv": (310, (1, 0, 0, 0, 0, 0)),
    "mount": (165, (0, 0, 0, 0, 0)),
    "umount": (166, (0, 0)),
    "pivot_root": (155, (0, 0)),
    "chroot": (161, (b"/",)),
    "unshare-user": (272, (0x10000000,)),
    "setns": (308, (3, 0)),
    "clone-user": (56, (0x10000000 | 17, 0, 0, 0, 0)),
    "keyctl": (250, (0, 0, 0, 0, 0)),
    "add_key": (248, (0, 0, 0, 0, 0)),
    "bpf": (321, (0, 0, 0)),
    "userfaultfd": (323, (0,)),
    "perf_event_open": (298, (0, 0, -1, -1, 0)),
    "io_uring_setup": (425, (1, 0)),
    "kexec_load": (246, (0, 0, 0, 0)),
    "init_module": (175, (0, 0, 0)),
    "open_by_handle_at": (304, (-1, 0, 0)),
    "fsopen": (430, (b"tmpfs", 0)),
    "seccomp": (317, (0, 0, 0)),
    "memfd_secret": (447, (0,)),
    "setsid": (112, ()),
    "setpgid": (109, (0, 0)),
    "setpriority": (141, (0, 0, 5)),
    "prlimit-parent": (302, (2, 7, 0, 0)),
    "dumpable": (157, (4, 0, 0, 0, 0)),
    "dumpable-in-disguise": (157, (4 | 1 << 32, 0, 0, 0, 0)),
    "subreaper": (157, (36, 1, 0, 0, 0)),
    "inotify_init": (253, ()),
    "inotify_init1": (294, (0,)),
    "clone3": (435, (0, 0)),
    "newer-than-the-filter": (457, (0, 0, 0, 0)),
}


@pytest.mark.skipif(os.uname().machine != "x86_64", reason="numbers of one architecture")
@pytest.mark.parametrize("name", CALLS)
def test_system_calls_that_are_refused(box, name):
    number, arguments = CALLS[name]
    code = f"""
        import ctypes, errno
        libc = ctypes.CDLL(None, use_errno=True)
        arguments = [ctypes.c_long(a) if isinstance(a, int) else a for a in {arguments!r}]
        done = libc.syscall({number}, *arguments)
        if {name == "clone-user"} and done == 0:
            libc._exit(0)
        result = done, errno.errorcode.get(ctypes.get_errno())
    """
    refusal = "ENOSYS" if name in ("clone3", "newer-than-the-filter") else "EPERM"
    assert ask(box, code) == f"(-1, '{refusal}')"


def test_32_bit_calls_end_the_program(box):
    """Their numbers are others, so a filter of 64-bit numbers would let them through."""
    code = """
        import ctypes, mmap
        page = mmap.mmap(-1, 4096, prot=7)
        page.write(bytes.fromhex("b814000000cd80c3"))  # getpid by int 0x80
        start = ctypes.addressof(ctypes.c_char.from_buffer(page))
        result = ctypes.CFUNCTYPE(ctypes.c_int)(start)()
    """
    if os.uname().machine != "x86_64":
        pytest.skip("an x86 matter")
    tell(box, code)
    with pytest.raises(SandboxCrashed, match="SIGSYS|SIGSEGV"):
        answer(box)


# Network and neighbours


def test_no_network(box):
    for kind in ("AF_INET", "AF_INET6", "AF_NETLINK", "AF_PACKET", "AF_VSOCK"):
        assert ask(box, f"import socket; socket.socket(socket.{kind})") == "PermissionError"
    assert ask(
        box, "import socket; a, b = socket.socketpair(); a.send(b'x'); result = b.recv(1)"
    ) == ("b'x'")


def test_sockets_of_the_machine_cannot_be_reached(box, tmp_path):
    tmp_path.chmod(0o777)
    path = str(tmp_path / "s")
    with socket.socket(socket.AF_UNIX) as listening, socket.socket(socket.AF_UNIX) as abstract:
        listening.bind(path)
        os.chmod(path, 0o777)
        listening.listen()
        abstract.bind(f"\0{SECRET}")
        abstract.listen()
        for address in (path, f"\0{SECRET}"):
            code = f"import socket; socket.socket(socket.AF_UNIX).connect({address!r})"
            assert ask(box, code) in (
                "PermissionError",
                "FileNotFoundError",
                "ConnectionRefusedError",
            )


@pytest.mark.parametrize(("request_number", "argument"), [(8, 1), (10, 9), (15, bytes(8))])
def test_no_descriptor_sends_a_signal_where_the_kernel_does_not_hold_them(request_number, argument):
    """F_SETOWN, F_SETSIG, F_SETOWN_EX: at level minimal the grader itself belongs to the same user."""
    policy = Policy(own_pids=False, own_user=False, signals_scoped=False, sockets_scoped=False)

    def ask_for_signals():
        kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1)
        policy.install()
        fcntl.fcntl(0, request_number, argument)

    assert "not permitted" in (tried(ask_for_signals) or "")


def test_signals_stay_inside(template):
    with box_of(template) as neighbour, box_of(template) as box:
        for pid in (os.getpid(), os.getppid(), neighbour._tree.group):
            done = ask(box, f"import os; os.kill({pid}, 0)")
            if not (template.isolation == "full" and pid == 1):
                assert done in ("PermissionError", "ProcessLookupError")
        tell(box, "import os; os.kill(-1, 9); result = 'alive'")
        try:
            assert answer(box) in ("'alive'", "ProcessLookupError")
        except SandboxCrashed:
            pass  # it has killed itself, too
        assert ask(neighbour, "result = 1") == "1"
        box.kill()
    with box_of(template) as box:
        assert ask(box, "result = 1") == "1"


def test_neighbours_do_not_meet(template):
    with box_of(template, {"mine.txt": b"x"}) as first, box_of(template) as second:
        folder = eval(ask(first, "import os; result = os.getcwd()"))
        ask(first, "import os; [os.chmod(p, 0o777) for p in ('.', 'mine.txt')]")
        target = f"{folder}/mine.txt"
        assert ask(second, f"open({target!r})") in ("PermissionError", "FileNotFoundError")
        code = """
            from multiprocessing import shared_memory
            block = shared_memory.SharedMemory("everyones", create=True, size=64)
            block.buf[:4] = b"poke"
        """
        assert ask(first, code) == "None"
        seen = ask(
            second,
            "from multiprocessing import shared_memory\n"
            "result = bytes(shared_memory.SharedMemory('everyones').buf[:4])",
        )
        if template.isolation == "minimal":
            ask(first, "block.unlink()")  # one user, one /dev/shm: docs/threat-model.md says so
        else:
            assert seen in ("PermissionError", "FileNotFoundError")
    assert not os.path.exists("/dev/shm/everyones")


# What must still work


A3C = """
    import torch, torch.multiprocessing as mp

    def work(net, results, rank):
        torch.manual_seed(rank)
        optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
        for _ in range(3):
            loss = net(torch.ones(5, 2)).pow(2).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        results.put((rank, float(loss.detach())))

    context = mp.get_context("fork")
    net = torch.nn.Linear(2, 1)
    net.share_memory()
    before = [p.detach().clone() for p in net.parameters()]
    results = context.Queue()
    workers = [context.Process(target=work, args=(net, results, rank)) for rank in range(2)]
    for worker in workers: worker.start()
    ranks = sorted(results.get()[0] for _ in workers)
    for worker in workers: worker.join()
    changed = all(not torch.equal(a, b) for a, b in zip(before, net.parameters()))
    result = ranks, [w.exitcode for w in workers], changed
"""


def test_workers_that_share_a_model(box):
    assert ask(box, A3C, 30) == "([0, 1], [0, 0], True)"


@pytest.mark.slow
def test_workers_that_start_anew(template):
    """multiprocessing's "spawn" imports torch again in each worker, which needs the files of Python."""
    module = b"""
import torch
def work(net, results):
    with torch.no_grad():
        net.weight.add_(1.0)
    results.put(net.weight.sum().item())
"""
    code = """
        import torch, torch.multiprocessing as mp
        import workers
        context = mp.get_context("spawn")
        net = torch.nn.Linear(1, 1)
        net.share_memory()
        torch.nn.init.zeros_(net.weight)
        results = context.Queue()
        process = context.Process(target=workers.work, args=(net, results))
        process.start()
        result = results.get(), net.weight.item()
        process.join()
    """
    with box_of(template, {"workers.py": module}) as box:
        if template.isolation == "full":
            assert ask(box, code, 60) == "(1.0, 1.0)"


def test_threads_and_gradients(box):
    code = """
        import threading, torch
        sums = []
        def work():
            x = torch.ones(3, requires_grad=True)
            (x * x).sum().backward()
            sums.append(x.grad.sum().item())
        threads = [threading.Thread(target=work) for _ in range(4)]
        for t in threads: t.start()
        for t in threads: t.join()
        result = sums
    """
    assert ask(box, code) == "[6.0, 6.0, 6.0, 6.0]"


def test_gymnasium_runs(box):
    code = """
        import gymnasium
        env = gymnasium.make("CartPole-v1")
        env.reset(seed=0)
        result = env.step(0)[1]
    """
    assert ask(box, code) == "1.0"


def test_a_missing_entry_is_an_error_of_ours():
    from autograder.sandbox.host import SandboxBroken

    with (
        pytest.raises(SandboxBroken, match="no_such_module"),
        Template(LIMITS, entry="no_such_module:serve"),
    ):
        pass
