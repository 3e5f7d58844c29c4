"""Using up time, memory, processes, disk, output, stack, and the patience of the grader."""

from __future__ import annotations

from red_team.attack import Attack
from red_team.honest import RETURNS

_RETURNS = frozenset({"trajectory_returns", "rewards_to_go"})


def _only(name: str, body: str, statuses: tuple[str, ...], head: str = "") -> Attack:
    """An attack in the body of `policy_gradient_loss`; two other questions are done, and must keep their points."""
    lines = "\n".join(f"    {line}" for line in body.strip().splitlines())
    source = f"{RETURNS}\n\nsay('tried:')\n{head}\n\ndef policy_gradient_loss(*args):\n{lines}\n"
    return Attack(name, source, implemented=_RETURNS, statuses=statuses)


ATTACKS = [
    _only("loops", "while True: pass", ("timed_out",)),
    _only("loops_in_c", "return sum(range(10**18))", ("timed_out",)),
    _only("a_regular_expression", 'import re\nre.match("(a+)+$", "a" * 60 + "b")', ("timed_out",)),
    _only("a_big_power", "return 10 ** 10 ** 10", ("timed_out", "graded", "out_of_memory")),
    _only(
        "sleeps_and_ignores_signals",
        """
for number in range(1, 65):
    try:
        signal.signal(number, signal.SIG_IGN)
    except (OSError, ValueError):
        pass
while True:
    time.sleep(1000)
""",
        ("timed_out",),
    ),
    _only("sleeps_with_one_eye_open", "while True: time.sleep(0.02)", ("timed_out",)),
    _only(
        "stops_itself", "os.kill(os.getpid(), signal.SIGSTOP)", ("timed_out", "graded", "crashed")
    ),
    _only(
        "waits_for_a_lock",
        "lock = threading.Lock(); lock.acquire(); lock.acquire()",
        ("timed_out",),
    ),
    _only(
        "fork_bomb",
        """
while True:
    try:
        os.fork()
    except OSError:
        pass
""",
        ("timed_out", "crashed", "out_of_memory"),
    ),
    _only(
        "forks_that_nobody_waits_for",
        """
signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # their time is added to nobody's
while True:
    try:
        if os.fork() == 0:
            end = time.process_time() + 0.002
            while time.process_time() < end: pass
            os._exit(0)
    except OSError:
        pass
""",
        ("timed_out", "crashed"),
    ),
    _only(
        "thread_bomb",
        """
while True:
    try:
        threading.Thread(target=time.sleep, args=(1000,), daemon=True).start()
    except RuntimeError:
        time.sleep(0.001)
""",
        ("timed_out", "crashed", "out_of_memory"),
    ),
    _only(
        "memory_bomb",
        "hoard = []\nwhile True: hoard.append(bytearray(1 << 24))",
        ("out_of_memory", "graded"),
    ),
    _only("a_huge_tensor", "return torch.ones(10**10).sum()", ("graded", "out_of_memory")),
    _only(
        "memory_in_many_processes",
        """
for _ in range(12):
    if os.fork() == 0:
        hoard = torch.ones(75_000_000)
        time.sleep(1000)
time.sleep(1000)
""",
        ("out_of_memory", "timed_out", "crashed"),
    ),
    _only(
        "memory_in_shared_files",
        """
import mmap
maps = []
while True:
    area = mmap.mmap(-1, 1 << 26)
    area.write(b"x" * (1 << 26))
    maps.append(area)
""",
        ("out_of_memory", "timed_out", "graded", "crashed"),
    ),
    _only(
        "fills_the_disk",
        """
for place in (".", "/tmp", "/dev/shm"):
    for number in range(1000):
        try:
            with open(f"{place}/{MARK}-{number}", "wb") as file:
                file.write(b"x" * (1 << 24))
        except OSError as error:
            say("tried:", error)
            break
return torch.zeros(())
""",
        ("graded", "crashed", "out_of_memory"),
    ),
    _only(
        "uses_up_inodes",
        """
for number in range(10**7):
    try:
        open(f"/tmp/{MARK}-{number}", "w").close()
    except OSError as error:
        say("tried:", number, error)
        break
return torch.zeros(())
""",
        ("graded", "timed_out"),
    ),
    _only(
        "opens_every_file",
        """
held = []
while True:
    held.append(open("/dev/null"))
""",
        ("graded",),
    ),
    _only("prints_without_end", 'while True: os.write(1, b"<script>" * 8192)', ("timed_out",)),
    _only(
        "prints_a_lot",
        'for _ in range(200): print("x" * 100_000)\nreturn torch.zeros(())',
        ("graded",),
    ),
    _only("recursion", "return policy_gradient_loss(*args)", ("graded",)),
    _only(
        "recursion_in_c",
        """
sys.setrecursionlimit(10**9)
class Deep:
    def __repr__(self): return repr(self)
    __str__ = __repr__
return repr(Deep())
""",
        ("crashed", "graded", "timed_out", "out_of_memory"),
    ),
    _only("segmentation_fault", "return ctypes.string_at(0)", ("crashed",)),
    _only("abort", "ctypes.CDLL(None).abort()", ("crashed",)),
    _only(
        "a_huge_exception",
        'raise ValueError("<b>" * 10**8)',
        ("graded", "out_of_memory"),
    ),
    _only(
        "an_exception_that_raises",
        "raise Hostile(Hostile())",
        ("graded", "crashed"),
        head="""
class Hostile(Exception):
    def __str__(self): raise KeyboardInterrupt
    __repr__ = __format__ = __reduce__ = __getattribute__ = __str__
    @property
    def args(self): raise SystemExit(0)
""",
    ),
    _only(
        "an_exception_that_never_prints",
        "raise Endless()",
        ("graded",),
        head="""
class Endless(Exception):
    def __str__(self):
        while True: pass
    __repr__ = __str__
""",
    ),
    _only(
        "a_chain_of_exceptions",
        """
error = None
for number in range(100_000):
    following = ValueError(number)
    following.__cause__ = error
    error = following
raise error
""",
        ("graded",),
    ),
    _only(
        "ten_million_numbers", "return list(range(10**7))", ("graded", "timed_out", "out_of_memory")
    ),
    _only(
        "nested_without_end",
        "ring = []\nfor _ in range(10**6): ring = [ring]\nreturn ring",
        ("graded", "crashed"),
    ),
    _only("thirty_megabytes_a_call", "return torch.zeros(7_500_000)", ("graded",)),
    _only(
        "a_backward_without_end",
        "return Endless.apply(args[0])",
        ("timed_out", "graded"),
        head="""
class Endless(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x): return x.sum()
    @staticmethod
    def backward(ctx, gradient):
        while True: pass
""",
    ),
    _only(
        "a_deletion_without_end",
        "return Undead()",
        ("timed_out", "graded"),
        head="""
class Undead:
    def __del__(self):
        while True: pass
""",
    ),
    _only(
        "half_a_frame",
        'send(struct.pack("<II", 1000, 1 << 20) + b"{")\ntime.sleep(1000)',
        ("timed_out",),
    ),
    _only(
        "a_frame_byte_by_byte",
        """
send(struct.pack("<II", 1 << 20, 1 << 25))
while True:
    send(b" ")
    time.sleep(0.01)
""",
        ("timed_out", "crashed"),
    ),
    Attack(
        "never_reads",
        """
        say("tried:")
        socket.socket.recv = lambda *args: time.sleep(1000)
        everywhere(zeros)
        """,
        statuses=("timed_out",),
    ),
    Attack("imports_for_ever", "say('tried:')\nwhile True: pass\n", statuses=("timed_out",)),
    Attack("a_huge_docstring", '"""' + "x" * 900_000 + '"""\nsay("tried:")\neverywhere(zeros)\n'),
    Attack(
        "a_file_of_parentheses",
        "(" * 100_000 + ")" * 100_000,
        statuses=("import_error", "crashed"),
        runs=False,
    ),
    Attack(
        "too_many_constants",
        "X = [" + "[" * 90 + "0," * 150_000 + "]" * 90 + "]\nsay('tried:')\neverywhere(zeros)\n",
    ),
]
