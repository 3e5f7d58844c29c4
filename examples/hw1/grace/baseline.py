import torch
from torch import Tensor


def batch_mean_baseline(returns: Tensor) -> Tensor:
    mean = returns.sum() / returns.numel()
    return mean * torch.ones_like(returns)


class RunningMeanBaseline:
    value: float = 0.0

    def __init__(self) -> None:
        self._seen = 0

    def update(self, returns: Tensor) -> None:
        new = len(returns)
        self.value = (self.value * self._seen + float(returns.double().sum())) / (self._seen + new)
        self._seen += new


def value_baseline_loss(values: Tensor, targets: Tensor, mask: Tensor) -> Tensor:
    error = torch.where(mask, targets.detach() - values, torch.zeros_like(values))
    return 0.5 * (error * error).sum() / mask.sum()


def optimal_baseline(score_norms_squared: Tensor, returns: Tensor) -> Tensor:
    return torch.sum(score_norms_squared * returns) / torch.sum(score_norms_squared)
