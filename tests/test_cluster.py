"""Shares of a class, and the commands that grade them."""

import signal
import sys
from pathlib import Path

import pytest

from autograder.grading.cluster import ClusterError, Share, run_shares


def test_shares_are_a_partition():
    items = list("abcdefghijk")
    shares = [Share(i, 4).of(items) for i in range(1, 5)]
    assert sorted(sum(shares, [])) == items
    assert max(map(len, shares)) - min(map(len, shares)) <= 1
    assert Share.parse("3/4").of(items) == shares[2]


@pytest.mark.parametrize("text", ["", "3", "0/2", "3/2", "-1/2", "1/2/3", "a/b", "1/ 2"])
def test_what_is_no_share_is_told(text):
    with pytest.raises(ClusterError, match="third of eight"):
        Share.parse(text)


@pytest.mark.parametrize("scheduler", ["", "there-is-no-such-command -x"])
def test_what_is_no_scheduler_is_told(scheduler, tmp_path):
    with pytest.raises(ClusterError, match="--scheduler"):
        run_shares(scheduler, 2, [], tmp_path)


def test_every_share_runs_at_once_through_the_scheduler(tmp_path: Path):
    """Each waits for the other one's file, so one after the other would never end."""
    node = tmp_path / "node.py"
    node.write_text(
        f"""
import pathlib, sys, time
here = pathlib.Path({str(tmp_path)!r})
*_, command, number = sys.argv
mine, other = number.split("/")[0], "12".replace(number[0], "")
(here / mine).write_text(" ".join(sys.argv[2:]))
while not (here / other).exists():
    time.sleep(0.01)
"""
    )
    looks = []
    failed = run_shares(
        f"{sys.executable} {node}", 2, ["grade", "hw1"], tmp_path / "log", lambda: looks.append(1)
    )
    assert failed == [] and looks
    assert (tmp_path / "2").read_text() == "-m autograder grade hw1 --share 2/2"
    assert list((tmp_path / "log").iterdir()) == []


def test_what_interrupts_us_ends_the_shares(tmp_path: Path):
    started = tmp_path / "started"

    def interrupt():
        if started.exists():
            raise KeyboardInterrupt

    node = tmp_path / "node.py"
    node.write_text(
        f"""
import pathlib, signal, time
def end(*_):
    pathlib.Path({str(tmp_path / "ended")!r}).touch()
    raise SystemExit
signal.signal({int(signal.SIGTERM)}, end)
pathlib.Path({str(started)!r}).touch()
time.sleep(600)
"""
    )
    with pytest.raises(KeyboardInterrupt):
        run_shares(f"{sys.executable} {node}", 1, [], tmp_path / "log", interrupt)
    assert (tmp_path / "ended").exists()
