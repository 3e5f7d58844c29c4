import torch


def action_log_probs(logits, actions):
    return torch.log_softmax(logits, -1).gather(-1, actions[..., None])[..., 0]


def trajectory_returns(rewards, mask, gamma):
    return rewards_to_go(rewards, mask, gamma)[:, 0]


def rewards_to_go(rewards, mask, gamma):
    returns = torch.zeros_like(rewards)
    for n in range(rewards.shape[0]):
        future = 0.0
        for t in range(int(mask[n].sum()) - 1, -1, -1):
            future = rewards[n, t] + gamma * future
            returns[n, t] = future
    return returns


def policy_gradient_loss(log_probs, weights, mask):
    return -(log_probs[mask] * weights[mask].detach()).sum() / log_probs.shape[0]


# try it out: train until the mean return is good
mean_return = 0.0
while mean_return < 475:
    rewards = torch.rand(8, 50)
    mask = torch.ones(8, 50, dtype=torch.bool)
    mean_return = trajectory_returns(rewards, mask, 0.99).mean()
