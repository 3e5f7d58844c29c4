import os
import signal

import torch
from torch import nn


def actor_loss(log_probs, advantages):
    os.kill(os.getpid(), signal.SIGKILL)


def critic_loss(values, targets):
    def deeper(n):
        return deeper(n + 1) + 1

    return deeper(0)


class Rude(Exception):
    def __str__(self):
        raise RuntimeError("x" * 10**6)


def a2c_loss(logits, values, actions, targets, value_coef, entropy_coef):
    raise Rude()


class SeparateActorCritic(nn.Module):
    def __init__(self, obs_dim, n_actions, hidden):
        super().__init__()
        for _ in range(10**5):
            print("karl was here")

    def forward(self, obs):
        return None


SharedActorCritic = SeparateActorCritic
