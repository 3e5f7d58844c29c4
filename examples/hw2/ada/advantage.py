import torch


def td_targets(rewards, next_values, terminated, gamma):
    targets = rewards + gamma * next_values * (~terminated).to(rewards.dtype)
    return targets.detach()


def td_advantages(rewards, values, next_values, terminated, gamma):
    return (td_targets(rewards, next_values, terminated, gamma) - values).detach()


def q_advantages(q_values, logits, actions):
    pi = torch.softmax(logits, dim=-1)
    v = (pi * q_values).sum(-1)
    q = q_values.gather(-1, actions.unsqueeze(-1)).squeeze(-1)
    return (q - v).detach()


def generalized_advantages(
    rewards, values, next_values, terminated, truncated, gamma, lam
):
    deltas = td_advantages(rewards, values, next_values, terminated, gamma)
    advantages = torch.zeros_like(deltas)
    running = torch.zeros((), dtype=deltas.dtype)
    for t in reversed(range(len(deltas))):
        if terminated[t] or truncated[t]:
            running = torch.zeros((), dtype=deltas.dtype)
        running = deltas[t] + gamma * lam * running
        advantages[t] = running
    return advantages
