"""Attacks on those who are graded before, beside and after: signals, shared places, the fork server, torch's defaults."""

from __future__ import annotations

from red_team.attack import Attack

ATTACKS = [
    Attack(
        "kills_everybody",
        """
        everywhere(zeros)
        me = os.getpid()
        for pid in (os.getppid(), 1, 2, -1, 0, *range(3, 50)):
            for number in (signal.SIGTERM, signal.SIGKILL) if pid not in (0, -1) else (signal.SIGCONT,):
                if pid != me:
                    attempt(os.kill, pid, number)
        """,
        statuses=("graded", "crashed"),
    ),
    Attack(
        "kills_its_own_group_and_all_it_can_see",
        """
        say("tried:")
        @everywhere
        def answer(*args):
            os.kill(-1, signal.SIGKILL)
            os.killpg(0, signal.SIGKILL)
        """,
        statuses=("graded", "crashed"),
    ),
    Attack(
        "stops_everybody",
        """
        everywhere(zeros)
        for pid in (os.getppid(), 1):
            attempt(os.kill, pid, signal.SIGSTOP)
            attempt(os.kill, pid, signal.SIGINT)
        """,
        statuses=("graded", "timed_out", "crashed", "import_error"),  # it may interrupt itself
    ),
    Attack(
        "changes_torch_for_all",
        """
        say("tried:")
        torch.set_default_dtype(torch.float64)
        torch.set_default_device("meta")
        torch.set_grad_enabled(False)
        torch.use_deterministic_algorithms(True)
        torch.set_flush_denormal(True)
        torch.manual_seed = torch.nn.functional.linear = lambda *args: None
        torch.float64, torch.float32 = torch.float32, torch.float16
        np.seterr(all="raise")
        np.random.seed = lambda *args: None
        everywhere(lambda *args: zeros(*args))
        torch.set_num_threads(64)
        sys.setrecursionlimit(60)
        """,
        statuses=("graded", "crashed"),
    ),
    Attack(
        "poisons_shared_places",
        """
        import sysconfig, tempfile
        poison = f"# {MARK}\\nprint('poisoned')\\n"
        packages = sysconfig.get_path("purelib")
        for folder in (packages, packages + "/torch", os.path.dirname(os.__file__), "/tmp", "/dev/shm", tempfile.gettempdir(), "/box",
                       KNOWN["course"], KNOWN["suite"], KNOWN["solution"], KNOWN["home"], "/etc", "/usr/lib", "/var/tmp"):
            for name in ("sitecustomize.py", "policy_gradient.py", "conftest.py", f"{MARK}.pth", f"{MARK}.py"):
                def write():
                    with open(f"{folder}/{name}", "w") as file:
                        file.write(poison)
                    return "WRITTEN" if folder not in ("/tmp", "/dev/shm", "/box", tempfile.gettempdir()) else "private"
                attempt(write)
        attempt(os.utime, torch.__file__)
        attempt(os.chmod, torch.__file__, 0o777)
        attempt(os.truncate, torch.__file__, 0)
        attempt(os.unlink, torch.__file__)
        attempt(os.mkfifo, "/tmp/policy_gradient.py.fifo")
        everywhere(zeros)
        """,
    ),
    Attack(
        "leaves_shared_memory",
        """
        from multiprocessing import shared_memory
        attempt(shared_memory.SharedMemory, MARK, create=True, size=1 << 16)
        libc = ctypes.CDLL(None, use_errno=True)
        say("tried:", libc.shmget(0x0DD, 1 << 16, 0o1666), libc.semget(0x0DD, 1, 0o1666), libc.msgget(0x0DD, 0o1666))
        def listen():
            one = socket.socket(socket.AF_UNIX)
            one.bind("\\0" + MARK)
            one.listen()
        attempt(listen)
        attempt(lambda: torch.ones(1000).share_memory_())
        everywhere(zeros)
        """,
    ),
    Attack(
        "looks_for_what_others_left",
        """
        from multiprocessing import shared_memory
        for folder in ("/tmp", "/dev/shm", "/var/tmp", "/run", "/box", "..", "/"):
            attempt(os.listdir, folder)
        for folder in ("/tmp", "/dev/shm"):
            for name in attempt(os.listdir, folder) or ():
                if not sys.prefix.startswith(f"{folder}/{name}/"):  # Python itself may lie there
                    say("LEFT BY A NEIGHBOUR:", name, attempt(content, f"{folder}/{name}"))
        attempt(shared_memory.SharedMemory, MARK)
        def connect():
            one = socket.socket(socket.AF_UNIX)
            one.connect("\\0" + MARK)
            say("LEFT BY A NEIGHBOUR:", one)
        attempt(connect)
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.shmget(0x0DD, 0, 0) >= 0:
            say("LEFT BY A NEIGHBOUR: shared memory")
        everywhere(zeros)
        """,
        student="looks_for_what_others_left",
    ),
    Attack(
        "slows_the_machine",
        """
        import resource
        attempt(os.nice, -20)
        attempt(os.setpriority, os.PRIO_USER, 0, -20)
        attempt(os.sched_setscheduler, 0, os.SCHED_FIFO, os.sched_param(99))
        attempt(os.sched_setaffinity, os.getppid(), {0})
        for name in ("RLIMIT_CPU", "RLIMIT_DATA", "RLIMIT_NPROC", "RLIMIT_FSIZE", "RLIMIT_NOFILE"):
            attempt(resource.setrlimit, getattr(resource, name), (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        attempt(resource.prlimit, os.getppid(), resource.RLIMIT_NOFILE, (0, 0))
        everywhere(zeros)
        """,
        statuses=("graded", "import_error"),  # where its own limits are those that it has lowered
    ),
    Attack(
        "talks_to_the_fork_server",
        """
        for fd in range(3, 256):
            if fd in channels():
                continue
            try:
                os.fstat(fd)
            except OSError:
                continue
            attempt(os.write, fd, b"x" * 64)
            attempt(os.set_blocking, fd, False)
            attempt(os.read, fd, 1 << 16)
        say("tried:", channels())
        for fd in channels():
            def credentials():
                return socket.socket(fileno=os.dup(fd)).getsockopt(socket.SOL_SOCKET, 17, 12)
            attempt(credentials)
            attempt(lambda: socket.send_fds(socket.socket(fileno=os.dup(fd)), [b"x"], [fd]))
        everywhere(zeros)
        """,
        statuses=("graded", "timed_out", "crashed"),
    ),
]
