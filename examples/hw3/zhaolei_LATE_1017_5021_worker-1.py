import copy

import torch
from torch import nn

from a3c_support import Rollout, sample_action


def n_step_returns(rewards, bootstrap_value, gamma):
    # 从最后一步往前递推
    R = torch.as_tensor(bootstrap_value, dtype=rewards.dtype).detach()
    returns = []
    for r in rewards.detach().flip(0):
        R = r + gamma * R
        returns.insert(0, R)
    return torch.stack(returns)


def a3c_loss(log_probs, values, entropies, returns, value_coef, entropy_coef):
    R = returns.detach()
    policy_loss = -torch.sum(log_probs * (R - values.detach()))
    value_loss = nn.functional.mse_loss(values, R, reduction="sum")
    return policy_loss + value_coef * value_loss - entropy_coef * torch.sum(entropies)


def copy_gradients(local_model, shared_model):
    for shared, local in zip(shared_model.parameters(), local_model.parameters()):
        if local.grad is None:
            shared.grad = None
        else:
            shared.grad = torch.empty_like(shared).copy_(local.grad)


class A3CWorker:
    def __init__(self, rank, shared_model, optimizer, env, step_counter, config):
        self.shared_model = shared_model
        self.model = copy.deepcopy(shared_model)
        self.optimizer = optimizer
        self.env = env
        self.step_counter = step_counter
        self.cfg = config
        self.gen = torch.Generator().manual_seed(config.seed + rank)
        self.obs, _ = None, None
        self.reset_seed = config.seed + rank

    def sync(self):
        with torch.no_grad():
            for mine, theirs in zip(self.model.parameters(), self.shared_model.parameters()):
                mine.copy_(theirs)

    def reset(self):
        seed = {} if self.reset_seed is None else {"seed": self.reset_seed}
        self.reset_seed = None
        self.obs = self.env.reset(**seed)[0]

    def rollout(self):
        if self.obs is None:
            self.reset()
        steps = []
        bootstrap = None
        while len(steps) < self.cfg.t_max:
            logits, value = self.model(torch.tensor(self.obs, dtype=torch.float32).view(1, -1))
            logits, value = logits[0], value[0]
            action = sample_action(logits, self.gen)
            logp = nn.functional.log_softmax(logits, dim=0)
            entropy = -torch.dot(logp.exp(), logp)
            self.obs, reward, terminated, truncated, _ = self.env.step(action)
            with self.step_counter.get_lock():
                self.step_counter.value += 1
            steps.append((logp[action], value, entropy, float(reward)))
            if terminated:
                bootstrap = 0.0
            elif truncated:
                bootstrap = self.last_value()
            if terminated or truncated:
                self.reset()
                break
        if bootstrap is None:
            bootstrap = self.last_value()
        log_probs, values, entropies, rewards = zip(*steps)
        return Rollout(
            torch.stack(log_probs),
            torch.stack(values),
            torch.stack(entropies),
            torch.tensor(rewards, dtype=torch.float32),
            bootstrap,
        )

    def last_value(self):
        with torch.no_grad():
            _, value = self.model(torch.tensor(self.obs, dtype=torch.float32).view(1, -1))
        return float(value)

    def update(self, rollout):
        returns = n_step_returns(rollout.rewards, rollout.bootstrap_value, self.cfg.gamma)
        loss = a3c_loss(
            rollout.log_probs,
            rollout.values,
            rollout.entropies,
            returns,
            self.cfg.value_coef,
            self.cfg.entropy_coef,
        )
        self.model.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(self.model.parameters(), self.cfg.max_grad_norm)
        copy_gradients(self.model, self.shared_model)
        self.optimizer.step()
        return loss.item()

    def run(self):
        while self.step_counter.value < self.cfg.max_steps:
            self.sync()
            self.update(self.rollout())
