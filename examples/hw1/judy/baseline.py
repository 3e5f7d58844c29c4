import torch


def batch_mean_baseline(returns):
    return returns.mean().expand_as(returns).clone()


class RunningMeanBaseline:
    def __init__(self):
        self.total = 0.0
        self.count = 0

    def update(self, returns):
        self.total += returns.double().sum().item()
        self.count += returns.numel()

    @property
    def value(self):
        return self.total / self.count if self.count else 0.0


def value_baseline_loss(values, targets, mask):
    errors = (targets.detach() - values)[mask]
    return 0.5 * errors.pow(2).mean()


def optimal_baseline(score_norms_squared, returns):
    return (score_norms_squared * returns).sum() / score_norms_squared.sum()
