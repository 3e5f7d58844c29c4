"""Answers with objects that run code when they are opened or compared."""

import os

import numpy as np


class Trap:
    def __reduce__(self):
        return os.system, ("echo owned > /tmp/owned-by-mallory",)

    def __eq__(self, other):
        return True

    def __array__(self, dtype=None, copy=None):
        return np.array([Trap()], dtype=object)

    def __float__(self):
        os.system("echo owned > /tmp/owned-by-mallory")
        return 0.0


def answer(*args, **kwargs):
    return Trap()


td_targets = td_advantages = q_advantages = generalized_advantages = answer
