import torch
import torch.nn.functional as F


def action_log_probs(logits, actions):
    # 交叉熵就是负的对数概率
    A = logits.shape[-1]
    ce = F.cross_entropy(logits.reshape(-1, A), actions.reshape(-1), reduction="none")
    return -ce.reshape(actions.shape)


def trajectory_returns(rewards, mask, gamma):
    N, T = rewards.shape
    R = torch.zeros(N, dtype=rewards.dtype)
    for t in range(T):
        R = R + torch.where(mask[:, t], rewards[:, t], 0.0) * gamma**t
    return R


def rewards_to_go(rewards, mask, gamma):
    N, T = rewards.shape
    G = torch.zeros_like(rewards)
    for n in range(N):
        g = 0.0
        for t in range(int(mask[n].sum()) - 1, -1, -1):
            g = rewards[n, t] + gamma * g
            G[n, t] = g
    return G


def policy_gradient_loss(log_probs, weights, mask):
    # 对所有时刻取平均
    return -(log_probs * weights.detach())[mask].mean()
