import torch


def td_targets(rewards, next_values, terminated, gamma):
    keep = torch.ones_like(rewards)
    keep[terminated] = 0.0
    return (rewards + gamma * keep * next_values).detach()


def td_advantages(rewards, values, next_values, terminated, gamma):
    return td_targets(rewards, next_values, terminated, gamma) - values.detach()


def q_advantages(q_values, logits, actions):
    # TODO(q_advantages)
    raise NotImplementedError("q_advantages")


def generalized_advantages(rewards, values, next_values, terminated, truncated, gamma, lam):
    # TODO(generalized_advantages)
    raise NotImplementedError("generalized_advantages")
