import torch


def batch_mean_baseline(returns):
    return torch.mean(returns).repeat(len(returns))


class RunningMeanBaseline:
    def __init__(self):
        # TODO(RunningMeanBaseline)
        raise NotImplementedError("RunningMeanBaseline")


def value_baseline_loss(values, targets, mask):
    # TODO(value_baseline_loss)
    raise NotImplementedError("value_baseline_loss")


def optimal_baseline(score_norms_squared, returns):
    # TODO(optimal_baseline)
    raise NotImplementedError("optimal_baseline")
