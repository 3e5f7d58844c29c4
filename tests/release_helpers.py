"""A course of its own for tests that change one."""

import shutil
from pathlib import Path

from autograder.course import Course
from autograder.release.scaffold import create_assignment

ROOT = Path(__file__).parents[1]
NEW = "hw9_returns"

RIGHT = """
def discounted_return(rewards, gamma):
    total = 0.0
    for reward in reversed(rewards):
        total = reward + gamma * total
    return total
"""
WRONG = RIGHT.replace("reward + gamma", "reward + 1.0")


def course_with_a_new_assignment(folder: Path) -> Course:
    """A copy of this course in `folder`, its suites' shared parts, and `NEW` beside the rest."""
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(ROOT / "grading.yml", folder)
    for part in ("solutions", "assignments"):
        shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
    suites = folder / "autograder" / "suites"
    suites.mkdir(parents=True)
    for path in (ROOT / "autograder" / "suites").glob("*.py"):
        shutil.copy(path, suites)
    create_assignment(Course.load(folder / "grading.yml"), NEW)
    return Course.load(folder / "grading.yml")
