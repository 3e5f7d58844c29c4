"""Which level of isolation a machine offers, and what it says about the rest."""

from __future__ import annotations

import os

import pytest
from sandbox_tools import AS_ROOT, ENTRY, LIMITS, ask, box_of

from autograder.sandbox import levels
from autograder.sandbox.host import SandboxBroken, Template, doctor
from autograder.sandbox.levels import TooWeak, check_floor, probe


@pytest.mark.parametrize(
    ("refused", "as_root", "as_user"),
    [
        ([], "full", "full"),
        (["other_user"], "full", "full"),
        (["namespaces"], "restricted", "minimal"),
        (["namespaces", "other_user"], "none", "minimal"),
        (["landlock"], "none", "none"),
        (["seccomp"], "none", "none"),
        (list(levels.PARTS), "none", "none"),
    ],
)
def test_levels(refused, as_root, as_user):
    level = probe(refuse=refused)
    assert level.name == (as_root if AS_ROOT else as_user)
    told = " ".join(level.missing)
    assert ("Namespaces are refused" in told) == ("namespaces" in refused)
    assert ("Landlock is missing" in told) == ("landlock" in refused)
    assert ("libseccomp" in told) == ("seccomp" in refused)


def test_even_without_isolation_a_box_answers():
    with Template(LIMITS, "none", entry=ENTRY) as template, box_of(template) as box:
        assert template.isolation == "none"
        assert ask(box, "result = 1") == "1"


def test_refusals_by_environment_reach_the_fork_server(monkeypatch):
    monkeypatch.setenv(levels.REFUSED_VARIABLE, "namespaces")
    with Template(LIMITS, entry=ENTRY) as template:
        assert template.isolation == ("restricted" if AS_ROOT else "minimal")
        assert any("Namespaces" in sentence for sentence in template.missing)


def test_a_fork_server_does_not_start_below_its_floor():
    template = Template(LIMITS, floor="minimal", refuse=["landlock"], entry=ENTRY)
    with pytest.raises(SandboxBroken, match="Landlock is missing"):
        template.__enter__()


def test_an_unknown_part_is_refused():
    with pytest.raises(ValueError, match="gravity"):
        probe(refuse=["gravity"])


def test_the_floor():
    level = probe(refuse=["landlock"])
    with pytest.raises(TooWeak) as caught:
        check_floor(level, "minimal")
    assert "Linux 5.13" in str(caught.value)
    assert "--allow-unsafe" in str(caught.value)
    check_floor(level, "none")
    check_floor(probe(), "full")


def test_doctor_names_the_level_and_each_part():
    text = doctor()
    assert text.startswith("isolation: full")
    for part in levels.PARTS:
        assert part in text


def test_trying_changes_nothing_here():
    before = os.getuid(), os.readlink("/proc/self/ns/pid"), os.readlink("/proc/self/root")
    probe()
    assert before == (os.getuid(), os.readlink("/proc/self/ns/pid"), os.readlink("/proc/self/root"))


def test_user_ids_of_two_fork_servers_do_not_overlap(monkeypatch):
    monkeypatch.setattr(os, "getpid", lambda: 1000)
    first = levels.first_user_id()
    monkeypatch.setattr(os, "getpid", lambda: 1001)
    assert abs(levels.first_user_id() - first) >= levels.USER_IDS
