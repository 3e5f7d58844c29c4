import torch


def action_log_probs(logits, actions):
    log_probs = torch.log_softmax(logits, dim=-1)
    return log_probs.gather(-1, actions.unsqueeze(-1)).squeeze(-1)


def trajectory_returns(rewards, mask, gamma):
    # R(tau) = sum_t gamma^t r_t
    rewards = torch.where(mask, rewards, torch.zeros_like(rewards))
    discounts = gamma ** torch.arange(rewards.shape[1], dtype=rewards.dtype)
    return (discounts * rewards).sum(dim=1)


def rewards_to_go(rewards, mask, gamma):
    # G_t = r_t + gamma G_{t+1}, from the end
    rewards = torch.where(mask, rewards, torch.zeros_like(rewards))
    returns = torch.zeros_like(rewards)
    future = torch.zeros_like(rewards[:, 0])
    for t in reversed(range(rewards.shape[1])):
        future = rewards[:, t] + gamma * future
        returns[:, t] = future
    return returns


def policy_gradient_loss(log_probs, weights, mask):
    terms = torch.where(mask, weights.detach() * log_probs, torch.zeros_like(log_probs))
    return -terms.sum() / log_probs.shape[0]
