import torch


def batch_mean_baseline(returns):
    return returns.mean().repeat(returns.shape[0])


class RunningMeanBaseline:
    def __init__(self):
        self.sum, self.n = 0.0, 0

    def update(self, returns):
        self.sum += float(returns.sum())
        self.n += len(returns)

    @property
    def value(self):
        return self.sum / max(self.n, 1)


def value_baseline_loss(values, targets, mask):
    return 0.5 * (values[mask] - targets[mask].detach()).square().mean()


def optimal_baseline(score_norms_squared, returns):
    return (score_norms_squared * returns).mean() / score_norms_squared.mean()
