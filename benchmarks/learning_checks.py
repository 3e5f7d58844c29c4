"""How surely does the reference pass the learning check, and a wrong loss fail it?

    python benchmarks/learning_checks.py [runs]

Prints, for the reference and some losses that teach nothing or too little, the share of single runs that succeed and the
probability that the sequential test accepts, from many draws of the problem.
"""

import sys

import numpy as np

from autograder.course import Course
from autograder.grading.grader import reference_files
from autograder.grading.student import LocalStudent
from autograder.suites.sequential import succeeds_often
from autograder.suites.signals import Signals

WRONG = {
    "zero": "(log_probs * 0).sum()",
    "negated": "(log_probs * weights).sum() / len(mask)",
    "mean over steps": "-(log_probs * weights).mean()",
    "every weight at every step": "-(log_probs * weights.mean()).sum() / len(mask)",
}


def main(runs: int) -> None:
    assignment = Course.find().assignment("hw1")
    files = reference_files(assignment)
    students = {"reference": LocalStudent(files)}
    for name, expression in WRONG.items():
        override = (
            f"\n\ndef policy_gradient_loss(log_probs, weights, mask):\n    return {expression}\n"
        )
        source = files["policy_gradient.py"] + override
        students[name] = LocalStudent({**files, "policy_gradient.py": source})
    print(f"{'loss':<28}{'run succeeds':>14}{'test accepts':>14}{'mean reward':>14}")
    for name, student in students.items():
        rng = np.random.default_rng(0)
        rewards = np.array([mean_reward(student, rng) for _ in range(runs)])
        succeeded = rewards > 0.9
        resample = np.random.default_rng(1)
        accepted = np.mean(
            [succeeds_often(lambda i: bool(resample.choice(succeeded))) for _ in range(2000)]
        )
        print(f"{name:<28}{succeeded.mean():>14.3f}{accepted:>14.3f}{rewards.mean():>14.3f}")


def mean_reward(student: LocalStudent, rng: np.random.Generator) -> float:
    signals = Signals(rng)
    preferences = student.train_on_signals(
        signals.press, signals.n_signals, signals.n_buttons, int(rng.integers(2**31))
    )
    return signals.mean_reward(np.asarray(preferences))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 300)
