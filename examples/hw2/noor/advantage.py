import torch


def td_targets(rewards, next_values, terminated, gamma):
    with torch.no_grad():
        return rewards + gamma * next_values * terminated.logical_not()


def td_advantages(rewards, values, next_values, terminated, gamma):
    with torch.no_grad():
        return values - td_targets(rewards, next_values, terminated, gamma)


def q_advantages(q_values, logits, actions):
    with torch.no_grad():
        chosen = q_values[torch.arange(q_values.shape[0]), actions]
        return chosen - q_values.mean(dim=1)


def generalized_advantages(rewards, values, next_values, terminated, truncated, gamma, lam):
    with torch.no_grad():
        deltas = rewards + gamma * next_values * (~terminated) - values
        ends = terminated | truncated
        advantages = torch.empty_like(deltas)
        tail = 0.0
        for t in range(len(deltas) - 1, -1, -1):
            tail = deltas[t] + (0.0 if ends[t] else gamma * lam * tail)
            advantages[t] = tail
        return advantages
