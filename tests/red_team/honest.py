"""Students who just did their homework: all of it, some of it, or wrongly."""

from __future__ import annotations

import textwrap

NEIGHBOUR_CANARY = "CANARY-of-a-neighbours-homework-5d1c"

_LOG_PROBS = """
def action_log_probs(logits, actions):
    return -torch.nn.functional.cross_entropy(
        logits.reshape(-1, logits.shape[-1]), actions.reshape(-1), reduction="none"
    ).reshape(actions.shape)
"""
RETURNS = """
def trajectory_returns(rewards, mask, gamma):
    return rewards_to_go(rewards, mask, gamma)[:, 0]


def rewards_to_go(rewards, mask, gamma):
    kept = torch.where(mask, rewards, torch.zeros_like(rewards))
    columns, future = [], torch.zeros_like(kept[:, 0])
    for t in range(kept.shape[1] - 1, -1, -1):
        future = kept[:, t] + gamma * future
        columns.insert(0, future)
    return torch.stack(columns, dim=1)
"""
_LOSS = """
def policy_gradient_loss(log_probs, weights, mask):
    kept = torch.where(mask, log_probs * weights.detach(), torch.zeros_like(log_probs))
    return -kept.sum(1).mean(0)
"""
_BASELINE = """
def batch_mean_baseline(returns):
    return returns.mean().expand(len(returns)).clone()


class RunningMeanBaseline:
    def __init__(self):
        self.seen = []

    def update(self, returns):
        self.seen += returns.tolist()

    @property
    def value(self):
        return sum(self.seen) / len(self.seen) if self.seen else 0.0


def value_baseline_loss(values, targets, mask):
    errors = (values - targets.detach()) ** 2
    return torch.where(mask, errors, torch.zeros_like(errors)).sum() / mask.sum() / 2


def optimal_baseline(score_norms_squared, returns):
    return torch.dot(score_norms_squared, returns) / score_norms_squared.sum()
"""
_HEAD = f"# {NEIGHBOUR_CANARY}\nimport torch\n"
_UNDONE = '\ndef {0}(*args):\n    raise NotImplementedError("{0}")\n'

RIGHT = {
    "policy_gradient.py": _HEAD + _LOG_PROBS + RETURNS + _LOSS,
    "baseline.py": _HEAD + _BASELINE,
}
PARTLY = {
    "policy_gradient.py": _HEAD + _LOG_PROBS + RETURNS + _UNDONE.format("policy_gradient_loss"),
    "baseline.py": _HEAD
    + "".join(map(_UNDONE.format, ("batch_mean_baseline", "value_baseline_loss"))),
}
WRONG = {
    "policy_gradient.py": _HEAD
    + _LOG_PROBS
    + RETURNS
    + textwrap.dedent(
        """
        def policy_gradient_loss(log_probs, weights, mask):
            print("mean over all steps")
            return -(log_probs * weights)[mask].mean()
        """
    ),
    "baseline.py": _HEAD + _BASELINE.replace("/ 2", ""),
}
RAISES = {
    "policy_gradient.py": _HEAD
    + RETURNS
    + textwrap.dedent(
        """
        def action_log_probs(logits, actions):
            return logits[actions.float()]
        """
    ),
    "baseline.py": _HEAD + "import a_package_of_my_own\n",
}

CLASS = {"ada": RIGHT, "blaise": PARTLY, "carl": WRONG, "daniel": RAISES}
POINTS = {"ada": 110.0, "blaise": 35.0}
