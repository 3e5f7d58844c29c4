import torch


def action_log_probs(logits, actions):
    probs = torch.softmax(logits, dim=-1)
    return torch.log(probs.gather(-1, actions[..., None])[..., 0])


def trajectory_returns(rewards, mask, gamma):
    T = rewards.size(1)
    powers = torch.tensor([gamma**t for t in range(T)], dtype=rewards.dtype)
    return torch.where(mask, rewards * powers, torch.zeros_like(rewards)).sum(1)


def rewards_to_go(rewards, mask, gamma):
    # discounted rewards, then the sum of everything from t on
    T = rewards.size(1)
    powers = torch.tensor([gamma**t for t in range(T)], dtype=rewards.dtype)
    discounted = torch.where(mask, rewards * powers, torch.zeros_like(rewards))
    total = discounted.sum(1, keepdim=True)
    return torch.where(mask, total - discounted.cumsum(1) + discounted, torch.zeros_like(rewards))


def policy_gradient_loss(log_probs, weights, mask):
    N = log_probs.size(0)
    return torch.where(mask, log_probs * weights.detach(), torch.zeros_like(weights)).sum() / N
