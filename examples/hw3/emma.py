import torch


def n_step_returns(rewards, bootstrap_value, gamma):
    R = float(bootstrap_value)
    returns = torch.zeros_like(rewards)
    for i in reversed(range(len(rewards))):
        R = rewards[i].item() + gamma * R
        returns[i] = R
    return returns.detach()


def a3c_loss(log_probs, values, entropies, returns, value_coef, entropy_coef):
    advantages = returns.detach() - values
    policy = -(log_probs * advantages.detach()).sum()
    value = (advantages**2).sum()
    return policy + value_coef * value - entropy_coef * entropies.sum()


def copy_gradients(local_model, shared_model):
    # TODO(copy_gradients)
    raise NotImplementedError("copy_gradients")


class A3CWorker:
    def __init__(self, rank, shared_model, optimizer, env, step_counter, config):
        # TODO(A3CWorker)
        raise NotImplementedError("A3CWorker")
