"""Files and modules that stand in the place of others."""

from __future__ import annotations

from red_team.attack import MARK, Attack

_SHADOW = f"print('{MARK} shadowed')\nimport os\nopen('/tmp/{MARK}-shadow', 'w').close()\n"
_ZEROS = "say('tried:')\neverywhere(zeros)\n"


def _beside(name: str, *paths: str) -> Attack:
    """A submission with more files than were asked for."""
    return Attack(name, _ZEROS, extra=dict.fromkeys(paths, _SHADOW))


ATTACKS = [
    _beside(
        "brings_torch_and_numpy",
        "torch.py",
        "numpy.py",
        "torch/__init__.py",
        "json.py",
        "random.py",
        "gymnasium.py",
    ),
    _beside(
        "brings_conftest",
        "conftest.py",
        "pytest.ini",
        "tests/conftest.py",
        "tests/test_policy_gradient.py",
        "setup.cfg",
    ),
    _beside(
        "brings_sitecustomize",
        "sitecustomize.py",
        "usercustomize.py",
        "evil.pth",
        "__init__.py",
        "__main__.py",
    ),
    _beside(
        "brings_the_autograder",
        "autograder/__init__.py",
        "autograder/sandbox/worker.py",
        "a3c_support.py",
        "autograder.py",
    ),
    _beside(
        "brings_results",
        "result.json",
        "results/results.json",
        "grading.yml",
        "gradebook.csv",
        ".OTTER_LOG",
        "feedback.html",
    ),
    Attack(
        "replaces_modules",
        """
        import types
        say("tried:")

        class Anything(types.ModuleType):
            def __getattr__(self, name):
                return lambda *args, **kwargs: True

        for name in ("json", "struct", "socket", "safetensors", "autograder.sandbox.wire", "traceback", "importlib", "baseline", "numpy"):
            sys.modules[name] = Anything(name)
        everywhere(zeros)
        """,
        statuses=("graded", "crashed", "import_error"),
    ),
    Attack(
        "answers_to_every_name",
        """
        say("tried:")

        def __getattr__(name):
            return lambda *args: zeros(*args)
        """,
        baseline="from policy_gradient import zeros\n\ndef __getattr__(name):\n    return zeros\n",
    ),
    Attack(
        "finds_modules_itself",
        """
        import importlib.abc, importlib.machinery
        say("tried:")

        class Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
            def find_spec(self, name, path=None, target=None):
                say("asked for", name)
                return importlib.machinery.ModuleSpec(name, self)
            def create_module(self, spec):
                return None
            def exec_module(self, module):
                module.__getattr__ = lambda name: zeros

        sys.meta_path.insert(0, Finder())
        everywhere(zeros)
        """,
        statuses=("graded", "import_error", "crashed"),
    ),
    Attack(
        "replaces_itself",
        """
        say("tried:")

        class Module(dict):
            def __getattr__(self, name):
                return zeros
            __dict__ = property(lambda self: self)
            def __contains__(self, name):
                return True
            def __getitem__(self, name):
                return zeros

        sys.modules[__name__] = Module()
        everywhere(zeros)
        """,
        statuses=("graded", "import_error", "crashed"),
    ),
    Attack(
        "changes_import",
        """
        import builtins
        say("tried:")
        everywhere(zeros)
        real = builtins.__import__
        def import_(name, *args, **kwargs):
            say("import", name)
            return real(name, *args, **kwargs)
        builtins.__import__ = import_
        builtins.exec = builtins.compile = builtins.open = lambda *args, **kwargs: True
        """,
        statuses=("graded", "crashed", "import_error"),
    ),
    Attack(
        "questions_that_are_no_functions",
        """
        say("tried:")
        action_log_probs, trajectory_returns, rewards_to_go = 3, "text", torch.zeros(3)
        policy_gradient_loss = property(lambda self: 0)
        batch_mean_baseline, RunningMeanBaseline = ..., int
        value_baseline_loss, optimal_baseline = torch.nn.Linear(2, 2), sys
        """,
    ),
    Attack(
        "a_class_of_slots_and_traps",
        """
        say("tried:")

        class Trap(type):
            def __call__(cls, *args):
                return object.__new__(cls)
            def __getattribute__(cls, name):
                return zeros if not name.startswith("__") else type.__getattribute__(cls, name)

        class RunningMeanBaseline(metaclass=Trap):
            __slots__ = ()
            def __getattribute__(self, name):
                return 0.0 if name == "value" else (lambda *args: None)
        """,
    ),
]
