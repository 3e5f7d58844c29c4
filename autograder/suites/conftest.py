"""Hidden suites under plain pytest, for a TA who debugs one: `pytest autograder/suites/hw1_policy_gradient`.

The student is the master. To look at somebody's files, grade them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from autograder.course import Course
from autograder.grading.check import Recorder, recording
from autograder.grading.grader import reference_files, tolerances
from autograder.grading.session import MARKERS, rng_of
from autograder.grading.student import LocalStudent


def pytest_configure(config: pytest.Config) -> None:
    for line in MARKERS:
        config.addinivalue_line("markers", line)


def _assignment(request: pytest.FixtureRequest) -> Any:
    return Course.find(Path(__file__).parent).assignment(request.path.parent.name)


@pytest.fixture
def reference(request: pytest.FixtureRequest) -> LocalStudent:
    """The master of the assignment that the suite belongs to."""
    return LocalStudent(reference_files(_assignment(request)))


@pytest.fixture
def student(reference: LocalStudent) -> LocalStudent:
    """Whose answers are looked at: the master's."""
    return reference


@pytest.fixture
def rng(request: pytest.FixtureRequest) -> Any:
    """The generator that the test has in grading, too."""
    return rng_of(request.node.name)


@pytest.fixture(autouse=True)
def _tolerances(request: pytest.FixtureRequest) -> Any:
    with recording(Recorder(tolerances=tolerances(_assignment(request)))):
        yield
