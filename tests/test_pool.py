"""Worker processes: every task is answered, whatever kills a worker."""

import os
import signal

import pytest

from autograder.grading import pool


def squares(tasks, answer):
    for task in tasks():
        answer(task * task)


@pytest.mark.parametrize("jobs", [1, 3])
def test_every_task_is_answered_once(jobs):
    assert sorted(pool.run([3, 1, 2, 5], jobs, squares)) == [(0, 9), (1, 1), (2, 4), (3, 25)]


def test_no_task_needs_no_worker():
    assert list(pool.run([], 2, squares)) == []


def test_a_task_whose_worker_was_killed_is_given_to_another(tmp_path):
    def dies_once(tasks, answer):
        for task in tasks():
            if task == "deadly" and not (tmp_path / "died").exists():
                (tmp_path / "died").touch()
                os.kill(os.getpid(), signal.SIGKILL)
            answer(task)

    answers = sorted(pool.run(["a", "deadly", "b"], 2, dies_once))
    assert answers == [(0, "a"), (1, "deadly"), (2, "b")]


def test_a_task_that_kills_two_workers_is_reported_and_costs_no_other(tmp_path):
    def dies(tasks, answer):
        for task in tasks():
            if task == "deadly":
                os.kill(os.getpid(), signal.SIGKILL)
            answer(task)

    assert sorted(pool.run(["a", "deadly", "b"], 2, dies)) == [(0, "a"), (1, None), (2, "b")]


def test_a_worker_that_raises_stops_the_run_with_its_message():
    def broken(tasks, answer):
        raise OSError("no template")

    with pytest.raises(pool.WorkerFailed, match="no template"):
        list(pool.run([1], 1, broken))


def test_no_worker_outlives_a_run_that_is_given_up(tmp_path):
    def slow(tasks, answer):
        for task in tasks():
            (tmp_path / str(os.getpid())).touch()
            answer(task)
            signal.pause()

    run = pool.run([1, 2, 3, 4], 2, slow)
    next(run)
    run.close()
    for pid in tmp_path.iterdir():
        with pytest.raises(ProcessLookupError):
            os.kill(int(pid.name), 0)
