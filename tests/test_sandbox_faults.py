"""Whoever is killed, nothing is left running or lying about, and the next try works."""

from __future__ import annotations

import glob
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from sandbox_tools import (
    LOCKED,
    answer,
    ask,
    box_of,
    children_of,
    descendants_of,
    open_template,
    parent_of,
    tell,
    wait_for,
)

from autograder.sandbox.host import SandboxBroken, TemplateDied

NEST = """
    import os, signal, time
    for number in (1, 2, 15):
        signal.signal(number, signal.SIG_IGN)
    for _ in range(3):
        if os.fork() == 0:
            if os.fork() == 0:
                time.sleep(1000)
            os._exit(0)
        os.wait()
"""


LEVELS = pytest.mark.parametrize(
    "level",
    [pytest.param(name, marks=() if name == "full" else pytest.mark.slow) for name in LOCKED],
)


def _private_folders() -> set[str]:
    return set(glob.glob("/tmp/autograder-*"))


@LEVELS
@pytest.mark.parametrize("victim", ["server", "sentry"])
def test_the_fork_server_is_killed(level, victim):
    before = _private_folders()
    with open_template(level) as template:
        sentry = template._process.pid
        (server,) = children_of(sentry)
        box = template.spawn({})
        assert ask(box, NEST) == "None"
        everything = [sentry, *descendants_of(sentry)]
        assert len(everything) >= 2 + 4
        tell(box, "import time; time.sleep(1000)")
        os.kill(server if victim == "server" else sentry, signal.SIGKILL)
        with pytest.raises(TemplateDied):
            box.receive(cpu_seconds=5)
        box.kill()
        # The sentry's own death is all that the grader waits for; the kernel, or the server, ends the rest.
        wait_for(lambda: all(parent_of(p) is None for p in everything), "processes are left")
        with pytest.raises(TemplateDied):
            template.spawn({})
    wait_for(lambda: _private_folders() <= before, "folders are left")
    with open_template(level) as template, box_of(template) as box:
        assert ask(box, "result = 1") == "1"


GRADER = """
import sys
sys.path[:] = {path!r}
from sandbox_tools import *
with open_template({level!r}) as template, box_of(template) as box, box_of(template) as other:
    ask(box, {nest!r})
    print(*descendants_of(os.getpid()), flush=True)
    ask(other, "import time; time.sleep(1000)")
"""


@LEVELS
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_the_grader_is_killed(level, how):
    before = _private_folders()
    code = GRADER.format(path=[str(Path(__file__).parent), *sys.path], level=level, nest=NEST)
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as grader:
        everything = [int(p) for p in grader.stdout.readline().split()]
        assert len(everything) >= 7
        grader.send_signal(how)
        grader.wait()
    wait_for(lambda: all(parent_of(p) is None for p in everything), "processes are left")
    wait_for(lambda: _private_folders() <= before, "folders are left")


@LEVELS
def test_one_box_is_killed_from_outside(level):
    with open_template(level) as template, box_of(template) as box, box_of(template) as other:
        tell(box, NEST + "\n    time.sleep(1000)")
        (server,) = children_of(template._process.pid)
        wait_for(lambda: len(descendants_of(server)) >= 5, "the box has not started its children")
        first = min(children_of(server))
        inside = [first, *descendants_of(first)] if level == "full" else [first]
        os.kill(first, signal.SIGKILL)
        with pytest.raises(Exception, match="SIGKILL"):
            answer(box)
        assert all(parent_of(p) is None for p in inside)
        assert ask(other, "result = 1") == "1"


def test_closing_twice_and_boxes_that_outlive_their_template():
    with open_template("full") as template:
        box = template.spawn({})
        template.close()
        box.kill()
        with pytest.raises(TemplateDied):
            template.spawn({})


@pytest.mark.slow
def test_more_boxes_than_places_is_an_error_of_ours_and_no_end():
    with open_template("full") as template:
        boxes = []
        with pytest.raises(SandboxBroken, match="64"):
            for _ in range(70):
                boxes.append(template.spawn({}))
        for box in boxes:
            box.kill()
        with box_of(template) as box:
            assert ask(box, "result = 1") == "1"
