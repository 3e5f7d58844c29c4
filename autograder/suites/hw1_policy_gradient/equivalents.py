"""Right answers to hw1 that are written differently."""

from autograder.grading.variants import equivalent

# --- action_log_probs ---------------------------------------------------------------------------


@equivalent("action_log_probs")
def with_categorical(logits, actions):
    return torch.distributions.Categorical(logits=logits).log_prob(actions)


@equivalent("action_log_probs")
def with_cross_entropy(logits, actions):
    flat = torch.nn.functional.cross_entropy(
        logits.reshape(-1, logits.shape[-1]), actions.reshape(-1), reduction="none"
    )
    return -flat.reshape(actions.shape)


@equivalent("action_log_probs")
def with_one_hot(logits, actions):
    chosen = torch.nn.functional.one_hot(actions, logits.shape[-1]).to(logits.dtype)
    return (torch.log_softmax(logits, dim=-1) * chosen).sum(dim=-1)


@equivalent("action_log_probs")
def with_log_sum_exp_of_its_own(logits, actions):
    highest = logits.max(dim=-1, keepdim=True).values
    log_sum = highest + (logits - highest).exp().sum(dim=-1, keepdim=True).log()
    return torch.take_along_dim(logits - log_sum, actions[..., None], dim=-1)[..., 0]


@equivalent("action_log_probs")
def row_by_row_in_float64(logits, actions):
    rows = logits.reshape(-1, logits.shape[-1]).double()
    picked = [row[a] - torch.logsumexp(row, 0) for row, a in zip(rows, actions.flatten().tolist())]
    return torch.stack(picked).reshape(actions.shape).to(logits.dtype)


# --- trajectory_returns -------------------------------------------------------------------------


@equivalent("trajectory_returns")
def returns_with_loops(rewards, mask, gamma):
    returns = []
    for n in range(rewards.shape[0]):
        total = 0.0
        for t in range(int(mask[n].sum())):
            total += gamma**t * rewards[n, t].item()
        returns.append(total)
    return torch.tensor(returns, dtype=rewards.dtype)


@equivalent("trajectory_returns")
def returns_by_recursion(rewards, mask, gamma):
    future = torch.zeros_like(rewards[:, 0])
    for t in range(rewards.shape[1] - 1, -1, -1):
        future = rewards[:, t] * mask[:, t] + gamma * future
    return future


@equivalent("trajectory_returns")
def returns_as_matrix_product(rewards, mask, gamma):
    discounts = gamma ** torch.arange(rewards.shape[1])
    return (rewards * mask.to(rewards.dtype)) @ discounts.to(rewards.dtype)


@equivalent("trajectory_returns")
def returns_in_numpy(rewards, mask, gamma):
    import numpy as np

    discounts = np.power(gamma, np.arange(rewards.shape[1]))
    returns = (rewards.numpy().astype(np.float64) * mask.numpy() * discounts).sum(axis=1)
    return torch.from_numpy(returns).to(rewards.dtype)


@equivalent("trajectory_returns")
def returns_with_float32_discounts(rewards, mask, gamma):
    discounts = torch.tensor(gamma).pow(torch.arange(rewards.shape[1]))
    return torch.where(mask, rewards * discounts, torch.zeros_like(rewards)).sum(-1)


# --- rewards_to_go ------------------------------------------------------------------------------


@equivalent("rewards_to_go")
def to_go_with_loops(rewards, mask, gamma):
    returns = torch.zeros_like(rewards)
    for n in range(rewards.shape[0]):
        future = 0.0
        for t in reversed(range(int(mask[n].sum()))):
            future = rewards[n, t] + gamma * future
            returns[n, t] = future
    return returns


@equivalent("rewards_to_go")
def to_go_as_matrix_product(rewards, mask, gamma):
    steps = torch.arange(rewards.shape[1], dtype=rewards.dtype)
    age = steps.unsqueeze(1) - steps
    kernel = torch.where(age >= 0, gamma ** age.clamp(min=0), torch.zeros_like(age))
    return torch.where(mask, (rewards * mask) @ kernel, torch.zeros_like(rewards))


@equivalent("rewards_to_go")
def to_go_in_numpy(rewards, mask, gamma):
    import numpy as np

    r = np.where(mask.numpy(), rewards.numpy(), 0.0).astype(np.float64)
    returns = np.zeros_like(r)
    returns[:, -1] = r[:, -1]
    for t in range(r.shape[1] - 2, -1, -1):
        returns[:, t] = r[:, t] + gamma * returns[:, t + 1]
    return torch.tensor(returns, dtype=rewards.dtype)


@equivalent("rewards_to_go")
def to_go_with_a_deque(rewards, mask, gamma):
    from collections import deque

    future, collected = 0.0, deque()
    for r, real in zip(rewards.T.flip(0), mask.T.flip(0)):
        future = (r + gamma * future) * real
        collected.appendleft(future)
    return torch.stack(list(collected), dim=1)


@equivalent("rewards_to_go")
def to_go_step_by_step(rewards, mask, gamma):
    masked = rewards.where(mask, torch.zeros_like(rewards))
    T = rewards.shape[1]
    discounts = torch.tensor([gamma**k for k in range(T)], dtype=rewards.dtype)
    return torch.stack([masked[:, t:] @ discounts[: T - t] for t in range(T)], dim=1)


# --- policy_gradient_loss -----------------------------------------------------------------------


@equivalent("policy_gradient_loss")
def loss_with_loops(log_probs, weights, mask):
    loss = torch.zeros((), dtype=log_probs.dtype)
    for n in range(log_probs.shape[0]):
        for t in range(int(mask[n].sum())):
            loss = loss - log_probs[n, t] * weights[n, t].item()
    return loss / log_probs.shape[0]


@equivalent("policy_gradient_loss")
def loss_of_selected_steps(log_probs, weights, mask):
    return -torch.dot(log_probs[mask], weights.detach()[mask]) / len(mask)


@equivalent("policy_gradient_loss")
def loss_as_mean_of_sums(log_probs, weights, mask):
    with torch.no_grad():
        weights = weights * mask.to(weights.dtype)
    return (-log_probs * weights).sum(dim=1).mean(dim=0)


@equivalent("policy_gradient_loss")
def loss_with_einsum_in_float64(log_probs, weights, mask):
    weighted = torch.einsum(
        "nt,nt,nt->n", log_probs.double(), weights.detach().double(), mask.double()
    )
    return -weighted.mean().to(log_probs.dtype)


# --- batch_mean_baseline ------------------------------------------------------------------------


@equivalent("batch_mean_baseline")
def mean_expanded(returns):
    return returns.mean().expand(returns.shape)


@equivalent("batch_mean_baseline")
def mean_as_product_with_ones(returns):
    ones = torch.ones_like(returns)
    return ones * (returns @ ones) / len(returns)


@equivalent("batch_mean_baseline")
def mean_as_list(returns):
    values = returns.tolist()
    return torch.tensor([sum(values) / len(values)] * len(values), dtype=returns.dtype)


@equivalent("batch_mean_baseline")
def mean_in_numpy(returns):
    import numpy as np

    mean = np.mean(returns.detach().numpy(), dtype=np.float64)
    return torch.from_numpy(np.full(len(returns), mean)).to(returns.dtype)


# --- RunningMeanBaseline ------------------------------------------------------------------------


@equivalent("RunningMeanBaseline")
class KeepsEveryReturn:
    def __init__(self):
        self.history = []

    def update(self, returns):
        self.history.extend(returns.tolist())

    @property
    def value(self):
        return sum(self.history) / len(self.history) if self.history else 0.0


@equivalent("RunningMeanBaseline")
class ReturnByReturn:
    def __init__(self):
        self.n, self.value = 0, 0.0

    def update(self, returns):
        for one in returns:
            self.n += 1
            self.value += (float(one) - self.value) / self.n
        return self.value


@equivalent("RunningMeanBaseline")
class WeightedMeans:
    def __init__(self):
        self.n = 0
        self.value = 0.0

    def update(self, returns):
        n = returns.shape[0]
        self.value = (self.value * self.n + returns.mean().item() * n) / (self.n + n)
        self.n += n


@equivalent("RunningMeanBaseline")
class KeepsTensors:
    def __init__(self):
        self.batches = []

    def update(self, returns):
        self.batches.append(returns.detach().clone())

    @property
    def value(self):
        return torch.cat(self.batches).mean().item() if self.batches else 0.0


# --- value_baseline_loss ------------------------------------------------------------------------


@equivalent("value_baseline_loss")
def value_loss_with_mse(values, targets, mask):
    return 0.5 * torch.nn.functional.mse_loss(values[mask], targets[mask].detach())


@equivalent("value_baseline_loss")
def value_loss_with_loops(values, targets, mask):
    total, steps = 0.0, 0
    for n in range(values.shape[0]):
        for t in range(values.shape[1]):
            if mask[n, t]:
                total = total + 0.5 * (values[n, t] - targets[n, t].item()) ** 2
                steps += 1
    return total / steps


@equivalent("value_baseline_loss")
def value_loss_masked_sum(values, targets, mask):
    errors = (values - targets.detach()) * mask
    return errors.pow(2).sum() / (2 * mask.sum())


@equivalent("value_baseline_loss")
def value_loss_in_float64(values, targets, mask):
    error = torch.masked_select(values.double() - targets.detach().double(), mask)
    return (error @ error / error.numel() / 2).to(values.dtype)


# --- optimal_baseline ---------------------------------------------------------------------------


@equivalent("optimal_baseline")
def weighted_average(score_norms_squared, returns):
    weights = score_norms_squared / score_norms_squared.sum()
    return torch.dot(weights, returns)


@equivalent("optimal_baseline")
def ratio_of_means(score_norms_squared, returns):
    return (score_norms_squared * returns).mean() / score_norms_squared.mean()


@equivalent("optimal_baseline")
def average_in_numpy(score_norms_squared, returns):
    import numpy as np

    average = np.average(returns.numpy(), weights=score_norms_squared.numpy())
    return torch.tensor(average, dtype=returns.dtype)


@equivalent("optimal_baseline")
def mean_plus_covariance(score_norms_squared, returns):
    mean = returns.mean()
    weights = score_norms_squared / score_norms_squared.mean()
    return mean + ((weights - 1) * (returns - mean)).mean()
