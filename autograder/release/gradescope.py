"""The zip that Gradescope (or `otter run`) grades with: made by otter, with our engine inside.

    run_autograder, run_otter.py, setup.sh, environment.yml, otter_config.json, tests/, files/   otter's
    trusted/    grading.yml, the package, the solution and the hidden suite of this one assignment

Otter copies `files/` into the folder of every submission; `trusted/` stays where no submission is.
"""

from __future__ import annotations

import importlib.metadata
import json
import tempfile
import zipfile
from pathlib import Path

import nbformat
import yaml
from otter.generate import main as otter_generate
from otter.utils import chdir

import autograder
from autograder.course import FILE_NAME, Assignment, Course
from autograder.release.bundle import Files, read_folder
from autograder.release.otter_plugin import STAND_IN, plugin_config

PYTHON_VERSION = "3.11"
PLUGIN = "autograder.release.otter_plugin.SandboxPlugin"

_TEST = '''\
"""Otter wants a test of its own; ours lie elsewhere."""

OK_FORMAT = True

test = {"name": "stand_in", "points": 0, "suites": [{"cases": [{"code": ">>> 1\\n1"}]}]}
'''

_RUN = '''\
"""Grades one submission; what otter does with it comes after it was put out of reach."""

from autograder.release.otter_plugin import main

main("/autograder")
'''

_SET_UP = """
# The engine of this course: its package, and what its sandbox needs. Submissions run as another
# user, who must be able to read the interpreter that otter put into root's home.
apt-get install -y libseccomp2
chmod a+x /root
chmod -R a+rX /autograder/source/trusted/autograder
mamba run -n otter-env python -c \\
    'import site; open(site.getsitepackages()[0] + "/autograder.pth", "w").write("/autograder/source/trusted")'
"""

# From conda: pip's torch for Linux brings gigabytes for graphics cards that Gradescope has not.
_ENVIRONMENT = {"dependencies": ["pytorch-cpu"]}


def gradescope_files(course: Course, assignment: Assignment) -> Files:
    """Everything in the zip, the same bytes each time."""
    files = _from_otter(course, assignment)
    files["run_otter.py"] = _RUN.encode()
    files["setup.sh"] += _SET_UP.encode()
    for name, content in _trusted(course, assignment).items():
        files[f"trusted/{name}"] = content
    return files


def _from_otter(course: Course, assignment: Assignment) -> Files:
    with tempfile.TemporaryDirectory() as folder, chdir(folder):
        Path("tests").mkdir()
        Path("tests", "stand_in.py").write_text(_TEST, encoding="utf-8")
        notebook = nbformat.v4.new_notebook(metadata={"assignment": assignment.name})
        Path(STAND_IN).write_text(nbformat.writes(notebook), encoding="utf-8")
        config = {"plugins": [{PLUGIN: plugin_config(course, assignment)}], "logo": False}
        Path("otter_config.json").write_text(json.dumps(config), encoding="utf-8")
        Path("requirements.txt").write_text("\n".join(_requirements()), encoding="utf-8")
        Path("environment.yml").write_text(yaml.safe_dump(_ENVIRONMENT), encoding="utf-8")
        otter_generate(
            tests_dir="tests",
            output_path="autograder.zip",
            files=[STAND_IN],
            python_version=PYTHON_VERSION,
        )
        with zipfile.ZipFile("autograder.zip") as archive:
            return {name: archive.read(name) for name in archive.namelist()}


def _requirements() -> list[str]:
    """What the package needs beside otter, which comes by itself, and torch, which conda brings."""
    needed = importlib.metadata.requires("autograder") or []
    return [
        requirement
        for requirement in needed
        if "extra ==" not in requirement and not requirement.startswith(("otter-grader", "torch"))
    ]


def _trusted(course: Course, assignment: Assignment) -> Files:
    files = {FILE_NAME: _course_of_one(course, assignment)}
    for name in (*assignment.files, *assignment.support):
        path = assignment.path(name)
        files[path.relative_to(course.root).as_posix()] = path.read_bytes()
    package = read_folder(Path(autograder.__file__).parent)
    own_suite = f"suites/{assignment.name}/"
    for name, content in package.items():
        if name.count("/") < 2 or not name.startswith("suites/"):
            files[f"autograder/{name}"] = content
    for name, content in read_folder(assignment.suite_dir).items():
        files[f"autograder/{own_suite}{name}"] = content
    return files


def _course_of_one(course: Course, assignment: Assignment) -> bytes:
    """grading.yml with this assignment alone."""
    alone = course.model_copy(update={"assignments": {assignment.name: assignment}})
    content = alone.model_dump(
        mode="json",
        by_alias=True,
        exclude={"assignments": {"__all__": {"by_name": {"__all__": {"name"}}}}},
    )
    return yaml.safe_dump(content, allow_unicode=True, sort_keys=False).encode()
