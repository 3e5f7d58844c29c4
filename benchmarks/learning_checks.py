"""How surely does the reference pass each learning check, and an answer that teaches nothing fail it?

    python benchmarks/learning_checks.py [runs]

Prints, for the reference, the accepted equivalents and some known mistakes of the question that the check belongs to, the share of
single runs that succeed, the probability that the sequential test accepts at that share (exact), and what the runs earn. The reference
gets `runs` runs (300), all others a tenth of them.
"""

import os
import sys
from itertools import islice

import numpy as np

os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1"))

from autograder.course import Course
from autograder.grading.grader import reference_files
from autograder.grading.student import LocalStudent
from autograder.grading.variants import read_variants
from autograder.suites.learning import A2C, A3C, REINFORCE, LearningCheck
from autograder.suites.sequential import acceptance

CHECKS = {
    "hw1": (REINFORCE, "policy_gradient_loss"),
    "hw2": (A2C, "a2c_loss"),
    "hw3": (A3C, "A3CWorker"),
}
TEACH_NOTHING = {
    "hw1": ("wrong_sign", "mean_over_steps", "every_step_with_every_weight"),
    "hw2": (
        "a2c_actor_sign",
        "a2c_without_critic",
        "a2c_critic_is_cut_off",
        "a2c_subtracts_the_critic",
        "a2c_advantage_keeps_gradient",
        "a2c_not_squeezed",
    ),
    "hw3": (
        "never_steps",
        "optimizes_the_local_network",
        "clears_too_late",
        "rollout_without_gradient",
        "syncs_backwards",
        "run_once",
    ),
}


def main(runs: int) -> None:
    print(f"{'answer':<48}{'runs':>6}{'succeed':>9}{'accepts':>9}{'earn':>7}{'least':>7}")
    for homework, (check, question) in CHECKS.items():
        assignment = Course.find().assignment(homework)
        reference = reference_files(assignment)
        file = {q.name: q.file for q in assignment.questions}[question]
        report(f"{homework} reference", check, reference, runs)
        for kind, names in (("equivalents", None), ("mistakes", TEACH_NOTHING[homework])):
            for variant in read_variants(assignment.suite_dir / f"{kind}.py"):
                if variant.question == question and (names is None or variant.name in names):
                    files = variant.files(reference, file)
                    report(f"{homework} {kind[:-1]} {variant.name}", check, files, runs // 10)


def report(title: str, check: LearningCheck, files: dict[str, str], runs: int) -> None:
    earned = np.array([*islice(check.runs(LocalStudent(files), np.random.default_rng(0)), runs)])
    succeed = float((earned > check.enough).mean())
    print(
        f"{title:<48}{runs:>6}{succeed:>9.3f}{acceptance(succeed):>9.4f}{earned.mean():>7.3f}{earned.min():>7.3f}",
        flush=True,
    )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 300)
