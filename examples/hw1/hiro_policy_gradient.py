import torch

# 策略梯度作业：先完成对数概率
def action_log_probs(logits, actions):
    return torch.log_softmax(logits, -1).gather(-1, actions[..., None])[..., 0]
