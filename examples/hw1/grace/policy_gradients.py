import torch


def action_log_probs(logits, actions):
    return torch.log_softmax(logits, -1).gather(-1, actions[..., None])[..., 0]
