"""What the grader reads of a submission's processes, while others read the same open /proc."""

import os
import signal

from sandbox_tools import skip_unless_linux

from autograder.sandbox.tree import Tree, processes, use_by_group

pytestmark = skip_unless_linux


def test_two_who_list_one_open_proc_both_see_everybody():
    proc = os.open("/proc", os.O_RDONLY | os.O_DIRECTORY)
    reader = os.fork()
    if reader == 0:
        while True:
            processes(proc)
    try:
        tree = Tree(proc, os.getpgrp())
        for _ in range(2000):
            assert str(os.getpid()) in processes(proc)
        for _ in range(200):
            assert str(os.getpid()) in tree._members()
            assert os.getpgrp() in use_by_group(proc)
    finally:
        os.kill(reader, signal.SIGKILL)
        os.waitpid(reader, 0)
        os.close(proc)
