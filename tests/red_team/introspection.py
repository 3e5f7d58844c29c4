"""Looking around from inside: frames, the garbage collector, loaded modules, and what feedback gives away."""

from __future__ import annotations

from red_team.attack import Attack

_SMUGGLE = """
        def secret(args):
            \"\"\"Six digits of a hidden input, to be carried into the feedback.\"\"\"
            x = next((a for a in args if isinstance(a, torch.Tensor) and a.is_floating_point() and a.numel()), None)
            digits = 100_000 + int(abs(float(x.detach().reshape(-1)[0])) * 1e6) % 900_000 if x is not None else 123_456
            say("SMUGGLED", digits)
            return digits
"""

ATTACKS = [
    Attack(
        "reads_frames",
        """
        WANTED = ("expected", "reference", "solution", "answer", "right", "suite")

        @everywhere
        def answer(*args):
            frame = sys._getframe(1)
            while frame is not None:
                names = {**frame.f_globals, **frame.f_locals}
                say("tried:", frame.f_code.co_filename, sorted(frame.f_locals))
                for name, value in names.items():
                    if any(w in name.lower() for w in WANTED):
                        say("  found:", name, type(value))
                        if isinstance(value, torch.Tensor):
                            return value
                        if callable(getattr(value, "policy_gradient_loss", None)):
                            return value.policy_gradient_loss(*args)
                frame = frame.f_back
            return zeros(*args)
        """,
    ),
    Attack(
        "asks_the_garbage_collector",
        """
        @everywhere
        def answer(*args):
            mine = {id(a) for a in args}
            floats = [o for o in gc.get_objects() if type(o) is torch.Tensor and id(o) not in mine]
            functions = [o for o in gc.get_objects() if type(o).__name__ == "function" and o.__name__ in QUESTIONS
                         and o.__module__ != __name__]
            say("tried:", len(floats), functions)
            if functions:
                return functions[0](*args)
            return floats[0] if floats else zeros(*args)
        """,
    ),
    Attack(
        "searches_loaded_modules",
        """
        everywhere(zeros)
        for name, module in list(sys.modules.items()):
            found = [q for q in QUESTIONS if q in getattr(module, "__dict__", {})]
            if found and name != __name__:
                say("FOUND in", name, found)
                globals().update({q: vars(module)[q] for q in found})
        say("tried:", sorted(n for n in sys.modules if "autograder" in n))
        """,
    ),
    Attack(
        "imports_the_reference",
        """
        import importlib, importlib.util, inspect, linecache, pkgutil
        everywhere(zeros)
        sys.path += [KNOWN["solution"], KNOWN["suite"], os.path.dirname(KNOWN["suite"]), KNOWN["course"], "/"]
        for name in ("solutions.hw1_policy_gradient.policy_gradient", "autograder.suites.hw1_policy_gradient.mistakes",
                     "autograder.suites.tiny_mdp", "autograder.grading.grader", "autograder.grading.check", "autograder.course",
                     "autograder.grading.diagnosis", "autograder.suites.hw1_policy_gradient.test_policy_gradient", "mistakes",
                     "test_policy_gradient", "tiny_mdp"):
            module = attempt(importlib.import_module, name)
            if module:
                say("IMPORTED", name, attempt(inspect.getsource, module))
        import autograder
        attempt(lambda: list(pkgutil.walk_packages(autograder.__path__, "autograder.")))
        attempt(lambda: [linecache.getlines(f) for f in linecache.cache])
        attempt(lambda: inspect.getsource(sys.modules["autograder.sandbox.worker"])[:500])
        """,
    ),
    Attack(
        "traces_the_worker",
        """
        seen = set()

        def trace(frame, event, argument):
            code = frame.f_code
            if "autograder" in code.co_filename and code.co_name not in seen:
                seen.add(code.co_name)
                say("tried:", code.co_name, sorted(frame.f_locals))

        everywhere(zeros)
        say("tried:")
        sys.setprofile(trace)
        threading.setprofile(trace)
        sys.addaudithook(lambda event, args: event in ("open", "import") and say("audit:", event, args))
        """,
    ),
    Attack(
        "reads_what_the_worker_was_sent",
        """
        from autograder.sandbox import wire
        decode = wire.decode

        def listen(frame, *args):
            request = decode(frame, *args)
            say("tried:", str({k: v for k, v in request.items() if k != "args"})[:300])
            return request

        wire.decode = listen
        everywhere(zeros)
        """,
    ),
    Attack(
        "smuggles_in_exceptions",
        _SMUGGLE
        + """
        say("tried:")
        count = iter(range(10**6))
        @everywhere
        def answer(*args):
            digits, turn = secret(args), next(count) % 4
            if turn == 0:
                raise ValueError(f"the input is {digits}")
            if turn == 1:
                raise type(f"Input{digits}", (Exception,), {})()
            if turn == 2:
                raise type(f"Input{digits}", (NotImplementedError,), {})(digits)
            return getattr(args[0], f"input_{digits}")
        """,
    ),
    Attack(
        "smuggles_in_line_numbers",
        _SMUGGLE
        + """
        say("tried:")
        @everywhere
        def answer(*args):
            exec(compile("\\n" * (secret(args) - 1) + "raise ValueError", __file__, "exec"))
        """,
    ),
    Attack(
        "smuggles_in_a_long_file",
        _SMUGGLE
        + """
        say("tried:")
        @everywhere
        def answer(*args):
            exec(compile("\\n" * (secret(args) - 1) + "raise ValueError", __file__, "exec"))
        """
        + "\n" * 1_000_000,
    ),
    Attack(
        "smuggles_in_shapes",
        _SMUGGLE
        + """
        say("tried:")
        count = iter(range(10**6))
        @everywhere
        def answer(*args):
            digits = secret(args)
            return torch.zeros([(0, digits), (digits,), (digits, 1), (1, digits)][next(count) % 4], dtype=torch.float64)
        """,
    ),
    Attack(
        "smuggles_in_type_names",
        _SMUGGLE
        + """
        say("tried:")
        everywhere(lambda *args: type(f"Input{secret(args)}", (), {})())
        """,
    ),
    Attack(
        "smuggles_through_a_second_process",
        _SMUGGLE
        + '''
        import tempfile
        PLACES = ["/tmp", "/dev/shm", "/var/tmp", os.getcwd(), tempfile.gettempdir(), os.path.dirname(torch.__file__), KNOWN["class"]]
        for place in PLACES:
            note = attempt(content, f"{place}/{MARK}-note")
            if note:
                raise ImportError(note.decode())

        @everywhere
        def answer(*args):
            """Leave a note for the process that comes after this one, and end."""
            digits = secret(args)
            for place in PLACES:
                try:
                    with open(f"{place}/{MARK}-note", "w") as file:
                        file.write(str(digits))
                except OSError as error:
                    say("tried:", error)
            os._exit(0)
        ''',
        statuses=("crashed",),
    ),
    Attack(
        "smuggles_in_forged_errors",
        _SMUGGLE
        + """
        say("tried:", channels())
        count = iter(range(10**6))
        @everywhere
        def answer(*args):
            digits = secret(args)
            fields = {"type": "ValueError", "file": "policy_gradient.py", "line": 1, "not_implemented": False, "changes": {"$": "list", "v": []}}
            name, lie = [("type", f"Input{digits}"), ("file", f"{digits}.py"), ("line", digits), ("line", digits * 10**9),
                         ("not_implemented", digits), ("text", str(digits))][next(count) % 6]
            send(frame({"op": "error", **fields, name: lie}))
            os._exit(0)
        """,
        statuses=("graded", "crashed"),
    ),
    Attack(
        "smuggles_in_changed_arguments",
        _SMUGGLE
        + """
        say("tried:", channels())
        count = iter(range(10**6))
        @everywhere
        def answer(*args):
            digits = secret(args)
            lie = [digits, str(digits), -digits, f"mask{digits}"][next(count) % 4]
            send(frame({"op": "value", "value": 0.0, "changed": lie, "call": 1, "changes": {"$": "list", "v": []}}))
            os._exit(0)
        """,
        statuses=("graded", "crashed"),
    ),
]
