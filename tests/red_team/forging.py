"""Forging: replies on the wire, callbacks, result files, logs, pickles, reports, exit codes."""

from __future__ import annotations

from red_team.attack import Attack

_VALUE = """
        def value(node, call=1, **more):
            return {"op": "value", "value": node, "changed": None, "call": call, "changes": [], **more}
"""

ATTACKS = [
    Attack(
        "answers_before_it_is_asked",
        _VALUE
        + """
        say("tried:", channels())
        @everywhere
        def answer(*args):
            for call in range(50):
                payload, (node,) = tensors(np.zeros(3))
                send(frame(value(node, call), payload))
            return zeros(*args)
        """,
        statuses=("graded", "crashed"),
    ),
    Attack(
        "answers_twice",
        _VALUE
        + """
        say("tried:", channels())
        @everywhere
        def answer(*args):
            if os.fork() == 0:
                return zeros(*args)
            return zeros(*args) + 1
        """,
        statuses=("graded", "crashed"),
    ),
    Attack(
        "writes_on_the_channel_from_a_thread",
        _VALUE
        + """
        def chatter():
            while True:
                send(frame(value(0.0)))
                time.sleep(0.001)

        say("tried:", threading.Thread(target=chatter, daemon=True).start())
        everywhere(zeros)
        """,
        statuses=("graded", "crashed", "import_error"),
    ),
    Attack(
        "announces_four_gigabytes",
        """
        say("tried:", channels())
        @everywhere
        def answer(*args):
            send(struct.pack("<II", 0xFFFFFFFF, 0xFFFFFFFF))
            send(b"x" * 1000)
            return zeros(*args)
        """,
        statuses=("crashed",),
    ),
    Attack(
        "says_it_passed",
        _VALUE
        + """
        say("tried:", channels())
        @everywhere
        def answer(*args):
            for op in ("passed", "graded", "skip", "answer", "__class__", "", None, ["value"]):
                send(frame({"op": op, "value": True, "score": 100, "status": "passed"}))
            return zeros(*args)
        """,
        statuses=("crashed",),
    ),
    Attack(
        "names_handles_that_are_not_there",
        _VALUE
        + """
        say("tried:", channels())
        nodes = [{"$": "handle", "id": number, "type": "Tensor", "module": flag, "method": flag}
                 for number in (-1, 0, 2**62, 10**6) for flag in (True, False)]
        nodes += [{"$": "leaf", "id": 0}, {"$": "callback", "id": 0, "kind": "function"}, {"$": "generator", "state": "{}"},
                  {"$": "handle", "id": "0", "type": {"$": "dict", "v": []}, "module": 3}]
        count = iter(range(10**6))
        @everywhere
        def answer(*args):
            send(frame(value(nodes[next(count) % len(nodes)], next(count))))
            time.sleep(0.01)
            os._exit(0)
        """,
        statuses=("graded", "crashed"),
    ),
    Attack(
        "changes_the_graders_parameters",
        _VALUE
        + """
        say("tried:", channels())
        payload, nodes = tensors(np.zeros((3, 3)))
        count = iter(range(10**6))
        @everywhere
        def answer(*args):
            number = next(count)
            send(frame(value(0.0, changes={"$": "list", "v": [
                {"$": "dict", "v": [["leaf", number], ["value", nodes[0]], ["grad", None]]}]}), payload))
            os._exit(0)
        """,
        statuses=("graded", "crashed"),
    ),
    Attack(
        "calls_back_what_it_was_not_given",
        """
        METHODS = ("__call__", "__getattribute__", "__class__", "__globals__", "__closure__", "__reduce__", "reset", "step",
                   "__init__", "__dict__", "unwrapped", "close")
        say("tried:", channels())

        def ask(number, method):
            send(frame({"op": "callback", "id": number, "method": method, "args": {"$": "list", "v": ["__globals__"]},
                        "kwargs": {"$": "dict", "v": []}}))
            for fd in channels():
                os.set_blocking(fd, False)
                time.sleep(0.02)
                try:
                    say("answered:", os.read(fd, 1 << 16))
                except OSError as error:
                    say("not answered:", error)
                finally:
                    os.set_blocking(fd, True)

        count = iter(range(10**6))
        @everywhere
        def answer(*args):
            number = next(count)
            ask(number // len(METHODS), METHODS[number % len(METHODS)])
            return zeros(*args)
        """,
        statuses=("graded", "crashed", "timed_out"),
    ),
    Attack(
        "calls_back_for_ever",
        """
        say("tried:", channels())
        @everywhere
        def answer(*args):
            while True:
                for number in range(100):
                    send(frame({"op": "callback", "id": number, "method": "__call__", "args": {"$": "list", "v": []},
                                "kwargs": {"$": "dict", "v": []}}))
        """,
        statuses=("graded", "crashed", "timed_out"),
    ),
    Attack(
        "sends_pickles",
        """
        import pickle

        class Bomb:
            def __reduce__(self):
                return os.system, (f"touch {KNOWN['out']}/{MARK} /tmp/{MARK}-pickle",)

        say("tried:", channels())
        dump = pickle.dumps(Bomb())
        @everywhere
        def answer(*args):
            send(frame(b"{}", dump))
            send(dump)
            return Bomb()
        """,
        statuses=("crashed",),
    ),
    Attack(
        "sends_broken_frames",
        _VALUE
        + """
        say("tried:", channels())
        payload, (node,) = tensors(np.zeros(3))
        huge = json.dumps({"0": {"dtype": "F64", "shape": [2**40, 2**40], "data_offsets": [0, 8]}}).encode()
        overlap = json.dumps({str(i): {"dtype": "F64", "shape": [1], "data_offsets": [0, 8]} for i in range(9)}).encode()
        FRAMES = [
            b"",
            frame(b"[" * 900_000),
            frame(b'{"op": "value", "value": NaN, "changes": []}'),
            frame(b'{"op": "value", "op": "value", "value": 1}'),
            frame(b'{"op": "value", "value": 1' + b"0" * 100_000 + b"}"),
            frame(b"\\xff\\xfe{}"),
            frame(value(node)),
            frame(value(node), payload[:-1]),
            frame(value(node), struct.pack("<Q", len(huge)) + huge + bytes(8)),
            frame(value(node), struct.pack("<Q", len(overlap)) + overlap + bytes(8)),
            frame(value(node), struct.pack("<Q", 2**63) + bytes(8)),
            frame(value({"$": "tensor", "k": ["0"], "grad": "yes"}), payload),
            frame(value({"$": "dict", "v": [[{"$": "float", "v": "nan"}, 1]] * 3})),
            frame(value("\\ud800")),
            frame(value({"$": "scalar", "t": "float64", "v": "__import__('os')"})),
            frame({"op": "error", "type": "Passed", "file": "../../result.json", "line": -1, "not_implemented": "no", "changes": []}),
            frame({"op": "refused", "why": "<script>alert(1)</script>"}),
        ]
        count = iter(range(10**6))
        @everywhere
        def answer(*args):
            send(FRAMES[next(count) % len(FRAMES)])
            os._exit(0)
        """,
        statuses=("crashed",),
    ),
    Attack(
        "tells_lies_about_its_import",
        """
        say("tried:", channels())
        text = {"$": "dict", "v": [["type", "<script>alert(1)</script>"], ["file", "/etc/passwd"], ["line", 10**15],
                                   ["not_implemented", False], ["text", "<script>alert(1)</script>" * 100]]}
        for name in ("policy_gradient.py", "test_policy_gradient.py", "../../result.json"):
            send(frame({"op": "value", "value": {"$": "dict", "v": [[name, text]]}, "call": 1, "changes": {"$": "list", "v": []}}))
        everywhere(zeros)
        """,
        statuses=("graded", "crashed", "import_error"),
    ),
    Attack(
        "answers_its_import_with_an_error",
        """
        say("tried:", channels())
        send(frame({"op": "error", "type": "ValueError", "file": None, "line": None, "not_implemented": False,
                    "changes": {"$": "list", "v": []}}))
        everywhere(zeros)
        """,
        statuses=("crashed",),
    ),
    Attack(
        "refuses_its_import",
        """
        say("tried:", channels())
        send(frame({"op": "refused", "why": "large"}))
        everywhere(zeros)
        """,
        statuses=("crashed",),
    ),
    Attack(
        "takes_the_workers_place",
        '''
        import importlib.util

        def serve():
            """Answer the grader's requests ourselves, always with "yes"."""
            (fd,) = channels()[:1]
            answers = 0
            while True:
                prefix = os.read(fd, 8)
                if len(prefix) < 8:
                    os._exit(0)
                size = sum(struct.unpack("<II", prefix))
                while size > 0:
                    size -= len(os.read(fd, size))
                answers += 1
                send(frame({"op": "value", "value": True if answers > 1 else {"$": "dict", "v": []}, "changed": None,
                            "call": answers, "changes": {"$": "list", "v": []}}))

        say("tried:", channels())
        send(frame({"op": "value", "value": {"$": "dict", "v": []}, "call": 0, "changes": {"$": "list", "v": []}}))
        serve()
        ''',
        statuses=("graded", "crashed"),
    ),
    Attack(
        "becomes_another_program",
        """
        say("tried:", channels())
        @everywhere
        def answer(*args):
            os.execv(sys.executable, [sys.executable, "-c", "print('100 passed')"])
        """,
        statuses=("graded", "crashed"),
    ),
    Attack(
        "forges_the_results",
        """
        result = json.dumps({"student": "forges_the_results", "score": 110.0, "max_score": 100.0, "status": "graded", "mark": MARK,
                             "tests": [{"name": "public", "score": 600, "max_score": 600, "visibility": "visible"}]})
        junit = f'<testsuite tests="50" failures="0"><testcase name="{MARK}"/></testsuite>'
        for folder in (".", "..", "/", "/tmp", "/dev/shm", KNOWN["out"], KNOWN["out"] + "/forges_the_results", KNOWN["out"] + "/ada",
                       KNOWN["out"] + "/_log", KNOWN["class"], KNOWN["home"], "/autograder/results", "results"):
            for name, text in (("result.json", result), ("results.json", result), ("report.xml", junit), (".OTTER_LOG", result),
                               ("results.pkl", result), ("gradebook.csv", "forges_the_results,110"), (MARK, MARK)):
                def write():
                    with open(os.path.join(folder, name), "w") as file:
                        file.write(text)
                    return "WRITTEN" if folder not in ("/tmp", "/dev/shm") else "private"
                if folder not in (".", ".."):
                    attempt(write)
        print(result)
        print(result, file=sys.stderr)
        everywhere(zeros)
        """,
    ),
    Attack(
        "leaves_with_exit_code_0",
        """
        say("tried:")
        def leave(*args):
            os._exit(0)
        everywhere(leave)
        """,
        statuses=("crashed",),
    ),
    Attack("exits_while_imported", "say('tried:')\nsys.exit(0)\n", statuses=("import_error",)),
    Attack("vanishes_while_imported", "say('tried:')\nos._exit(0)\n", statuses=("crashed",)),
    Attack(
        "raises_skipped_and_exit",
        """
        import pytest
        from _pytest.outcomes import Exit, Skipped, XFailed

        class Passed(Exception):
            pass

        class Mismatch(BaseException):
            kind, en, zh = "passed", "passed", "passed"

        RAISED = [Skipped("x"), XFailed("x"), Exit("x", 0), SystemExit(0), KeyboardInterrupt(), GeneratorExit(), StopIteration(1),
                  Passed(), Mismatch(), AssertionError(), BaseException(), __import__("asyncio").CancelledError()]
        say("tried:")
        count = iter(range(10**6))
        @everywhere
        def answer(*args):
            raise RAISED[next(count) % len(RAISED)]
        """,
    ),
    Attack(
        "closes_every_descriptor",
        """
        say("tried:")
        @everywhere
        def answer(*args):
            os.closerange(0, 256)
            return zeros(*args)
        """,
        statuses=("crashed",),
    ),
    Attack(
        "hides_that_it_changes_its_arguments",
        """
        import inspect
        worker = next(f.frame.f_locals["self"] for f in inspect.stack() if hasattr(f.frame.f_locals.get("self"), "snapshot"))
        say("tried:", worker)
        worker.snapshot = lambda value: ()
        @everywhere
        def answer(*args):
            for argument in args:
                if isinstance(argument, torch.Tensor):
                    argument.detach().zero_()
            return zeros(*args)
        """,
    ),
    Attack(
        "patches_the_workers_modules",
        """
        import safetensors, safetensors.torch, safetensors.numpy
        from autograder.sandbox import wire, worker

        def yes(*args, **kwargs):
            return frame({"op": "value", "value": True, "changed": None, "call": 1, "changes": {"$": "list", "v": []}})

        say("tried:", worker)
        wire.encode = yes
        struct.pack, struct.unpack = (lambda *args: b"\\0" * 8), (lambda *args: (0, 0))
        json.dumps = json.loads = lambda *args, **kwargs: True
        socket.socket.sendall = socket.socket.recv = lambda self, *args: b""
        everywhere(zeros)
        """,
        statuses=("graded", "crashed"),
    ),
]
