"""Outliving the grading: daemons, exit handlers, threads, and children that hold on to what the grader waits for."""

from __future__ import annotations

from red_team.attack import Attack

_LATER = """
        def write_later():
            \"\"\"Some time after the grading, change the result.\"\"\"
            for _ in range(10_000):
                time.sleep(0.2)
                for path in (KNOWN["out"] + f"/{MARK}", f"/tmp/{MARK}-later", f"/dev/shm/{MARK}-later"):
                    try:
                        with open(path, "w") as file:
                            file.write(MARK)
                    except OSError:
                        pass
"""

ATTACKS = [
    Attack(
        "leaves_a_daemon",
        _LATER
        + """
        everywhere(zeros)
        if attempt(os.fork) == 0:
            attempt(os.setsid)
            if os.fork() == 0:
                for number in range(1, 65):
                    try:
                        signal.signal(number, signal.SIG_IGN)
                    except (OSError, ValueError):
                        pass
                write_later()
            os._exit(0)
        """,
    ),
    Attack(
        "leaves_a_program",
        """
        import subprocess
        code = "import time, signal; signal.signal(15, signal.SIG_IGN); time.sleep(1000)"
        attempt(subprocess.Popen, [sys.executable, "-c", code], start_new_session=True)
        attempt(subprocess.Popen, [sys.executable, "-c", code])
        attempt(subprocess.Popen, ["nohup", "sleep", "1000"])
        everywhere(zeros)
        """,
    ),
    Attack(
        "leaves_a_thread",
        _LATER
        + """
        attempt(threading.Thread(target=write_later).start)
        everywhere(zeros)
        """,
    ),
    Attack(
        "leaves_an_exit_handler",
        _LATER
        + """
        import atexit
        attempt(atexit.register, write_later)
        attempt(signal.signal, signal.SIGTERM, lambda *args: write_later())

        class Last:
            def __del__(self):
                write_later()

        sys.last = Last()
        everywhere(zeros)
        """,
    ),
    Attack(
        "a_child_holds_the_output_open",
        """
        everywhere(zeros)
        if attempt(os.fork) == 0:
            while True:
                time.sleep(1000)
        """,
    ),
    Attack(
        "a_child_goes_on_when_the_parent_ends",
        """
        say("tried:")
        @everywhere
        def answer(*args):
            if os.fork() == 0:
                time.sleep(1000)
            os._exit(0)
        """,
        statuses=("crashed", "timed_out"),
    ),
    Attack(
        "names_itself_like_a_line_of_proc",
        """
        libc = ctypes.CDLL(None)
        everywhere(zeros)
        if attempt(os.fork) == 0:
            say("tried:", libc.prctl(15, b") R 1 1 1\\n(x", 0, 0, 0))
            while True:
                time.sleep(1000)
        """,
    ),
    Attack(
        "asks_not_to_die_with_its_parent",
        """
        libc = ctypes.CDLL(None)
        everywhere(zeros)
        say("tried:", libc.prctl(1, 0, 0, 0, 0), libc.prctl(36, 1, 0, 0, 0))
        for _ in range(4):
            if os.fork() == 0:
                libc.prctl(1, 0, 0, 0, 0)
                attempt(os.setpgid, 0, 0)
                time.sleep(1000)
        """,
    ),
]
