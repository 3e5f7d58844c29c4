import torch


def action_log_probs(logits, actions):
    return torch.log_softmax(logits, -1).gather(-1, actions.unsqueeze(-1)).squeeze(-1)


def trajectory_returns(rewards, mask, gamma)
    discounts = gamma ** torch.arange(rewards.shape[1])
    return (rewards * mask * discounts).sum(1)


def rewards_to_go(rewards, mask, gamma):
    returns = torch.zeros_like(rewards)
    for t in reversed(range(rewards.shape[1])):
        returns[:, t] = rewards[:, t] * mask[:, t]
        if t + 1 < rewards.shape[1]:
            returns[:, t] += gamma * returns[:, t + 1]
    return returns


def policy_gradient_loss(log_probs, weights, mask):
    return -(log_probs * weights.detach() * mask).sum() / len(log_probs)
