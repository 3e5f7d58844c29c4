"""Worker processes that take tasks one at a time, and survive being killed.

Each worker is forked from this process, so what is imported already is shared. A task whose worker died is given to a new
worker once more; a second death is reported and not tried again.
"""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import signal
import sys
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from typing import Any

from autograder.errors import AutograderError

_FORK = multiprocessing.get_context("fork")
PR_SET_PDEATHSIG = 1


class WorkerFailed(AutograderError):
    """A worker could not start, or raised; the message is its own."""


@dataclass
class _Worker:
    process: Any
    connection: Connection
    task: int | None = None


def run(
    tasks: Sequence[Any],
    jobs: int,
    main: Callable[[Callable[[], Iterator[Any]], Callable[[Any], None]], None],
) -> Iterator[tuple[int, Any]]:
    """Yield `(index of the task, answer)` as answers come; the answer is None when two workers died of the task.

    `main(tasks, answer)` runs in each worker: it iterates over `tasks()` and calls `answer(value)` once for each.

    Raises:
        WorkerFailed: a worker raised outside of any task's own doing.
    """
    waiting = deque(range(len(tasks)))
    deaths = dict.fromkeys(waiting, 0)
    workers: list[_Worker] = []
    dismissed: list[_Worker] = []
    try:
        while waiting or any(w.task is not None for w in workers):
            while waiting and len(workers) < jobs:
                workers.append(_start(main, [w.connection for w in workers]))
                _give(workers[-1], waiting, tasks)
            for ready in wait([w.connection for w in workers]):
                worker = next(w for w in workers if w.connection is ready)
                assert worker.task is not None
                try:
                    kind, value = worker.connection.recv()
                except (EOFError, OSError):
                    workers.remove(worker)
                    worker.process.join()
                    deaths[worker.task] += 1
                    if deaths[worker.task] > 1:
                        yield worker.task, None
                    else:
                        waiting.appendleft(worker.task)
                    continue
                if kind == "failed":
                    raise WorkerFailed(value)
                index, worker.task = worker.task, None
                if waiting:
                    _give(worker, waiting, tasks)
                else:
                    workers.remove(worker)
                    dismissed.append(worker)
                    worker.connection.send(None)
                yield index, value
        for worker in dismissed:
            worker.process.join()
    finally:
        for worker in [*workers, *dismissed]:
            worker.process.terminate()
        for worker in [*workers, *dismissed]:
            worker.process.join()


def _give(worker: _Worker, waiting: deque[int], tasks: Sequence[Any]) -> None:
    worker.task = waiting.popleft()
    try:
        worker.connection.send(tasks[worker.task])
    except OSError:
        pass


def _start(main: Callable[..., None], others: list[Connection]) -> _Worker:
    ours, theirs = _FORK.Pipe()
    process = _FORK.Process(target=_work, args=(main, theirs, [ours, *others], os.getpid()))
    process.start()
    theirs.close()
    return _Worker(process, ours)


def _work(
    main: Callable[..., None], connection: Connection, close: list[Connection], parent: int
) -> None:
    for other in close:
        other.close()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)

    def tasks() -> Iterator[Any]:
        while True:
            try:
                task = connection.recv()
            except EOFError:
                return
            if task is None:
                return
            yield task

    try:
        main(tasks, lambda value: connection.send(("answer", value)))
    except Exception as error:
        connection.send(("failed", f"{type(error).__name__}: {error}"))
