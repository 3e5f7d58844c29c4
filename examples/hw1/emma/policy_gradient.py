import torch


def action_log_probs(logits, actions):
    one_hot = torch.nn.functional.one_hot(actions, logits.shape[-1])
    log_probs = logits - torch.logsumexp(logits, dim=-1, keepdim=True)
    return (log_probs * one_hot).sum(-1)


def trajectory_returns(rewards, mask, gamma):
    steps = torch.arange(rewards.shape[1]).to(rewards.dtype)
    return (rewards.masked_fill(~mask, 0) * gamma**steps).sum(-1)


def rewards_to_go(rewards, mask, gamma):
    # TODO(rewards_to_go)
    raise NotImplementedError("rewards_to_go")


def policy_gradient_loss(log_probs, weights, mask):
    # TODO(policy_gradient_loss)
    raise NotImplementedError("policy_gradient_loss")
