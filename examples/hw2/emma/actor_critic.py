import torch
from torch import nn


def actor_loss(log_probs, advantages):
    return -torch.mean(log_probs * advantages.detach())


def critic_loss(values, targets):
    return torch.mean((values - targets.detach()) ** 2) / 2


class SeparateActorCritic(nn.Module):
    def __init__(self, obs_dim, n_actions, hidden):
        super().__init__()
        # TODO(SeparateActorCritic)
        raise NotImplementedError("SeparateActorCritic")


class SharedActorCritic(nn.Module):
    def __init__(self, obs_dim, n_actions, hidden):
        super().__init__()
        # TODO(SharedActorCritic)
        raise NotImplementedError("SharedActorCritic")


def a2c_loss(logits, values, actions, targets, value_coef, entropy_coef):
    # TODO(a2c_loss)
    raise NotImplementedError("a2c_loss")
