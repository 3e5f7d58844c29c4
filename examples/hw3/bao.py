"""hw3. The worker keeps its rollout in lists and asks Categorical for the rest."""

from copy import deepcopy

import numpy as np
import torch
from torch.distributions import Categorical
from torch.nn.utils import clip_grad_norm_, parameters_to_vector, vector_to_parameters

import a3c_support


def n_step_returns(rewards, bootstrap_value, gamma):
    T = len(rewards)
    r = rewards.detach().numpy().astype(np.float64)
    out = [
        sum(gamma**k * r[i + k] for k in range(T - i)) + gamma ** (T - i) * float(bootstrap_value)
        for i in range(T)
    ]
    return torch.tensor(out, dtype=rewards.dtype)


def a3c_loss(log_probs, values, entropies, returns, value_coef, entropy_coef):
    loss = torch.zeros((), dtype=values.dtype)
    for log_prob, value, entropy, R in zip(log_probs, values, entropies, returns.detach()):
        advantage = R - value
        loss = loss - log_prob * advantage.item() + value_coef * advantage * advantage
        loss = loss - entropy_coef * entropy
    return loss


def copy_gradients(local_model, shared_model):
    theirs = dict(shared_model.named_parameters())
    for name, parameter in local_model.named_parameters():
        gradient = torch.zeros_like(parameter) if parameter.grad is None else parameter.grad
        theirs[name].grad = gradient.clone()


class A3CWorker:
    def __init__(self, rank, shared_model, optimizer, env, step_counter, config):
        self.shared, self.optimizer, self.env = shared_model, optimizer, env
        self.T, self.config = step_counter, config
        self.net = deepcopy(shared_model)
        self.rng = torch.Generator()
        self.rng.manual_seed(config.seed + rank)
        self.first_seed = config.seed + rank
        self.state = None

    def sync(self):
        with torch.no_grad():
            vector_to_parameters(parameters_to_vector(self.shared.parameters()), self.net.parameters())

    def _look(self, state):
        logits, value = self.net(torch.from_numpy(np.array(state, dtype=np.float32))[None])
        return logits.squeeze(0), value.squeeze(0)

    def rollout(self):
        if self.state is None:
            self.state = self.env.reset(seed=self.first_seed)[0]
        log_probs, values, entropies, rewards = [], [], [], []
        terminated = truncated = False
        while len(rewards) < self.config.t_max and not (terminated or truncated):
            logits, value = self._look(self.state)
            action = a3c_support.sample_action(logits, self.rng)
            pi = Categorical(logits=logits)
            self.state, reward, terminated, truncated, _ = self.env.step(action)
            with self.T.get_lock():
                self.T.value += 1
            log_probs.append(pi.log_prob(torch.tensor(action)))
            entropies.append(pi.entropy())
            values.append(value)
            rewards.append(reward)
        R = 0.0 if terminated else float(self._look(self.state)[1].detach())
        if terminated or truncated:
            self.state = self.env.reset()[0]
        return a3c_support.Rollout(
            log_probs=torch.stack(log_probs),
            values=torch.stack(values),
            entropies=torch.stack(entropies),
            rewards=torch.tensor(rewards, dtype=torch.float32),
            bootstrap_value=R,
        )

    def update(self, rollout):
        c = self.config
        R = n_step_returns(rollout.rewards, rollout.bootstrap_value, c.gamma)
        loss = a3c_loss(
            rollout.log_probs, rollout.values, rollout.entropies, R, c.value_coef, c.entropy_coef
        )
        parameters = list(self.net.parameters())
        for parameter, gradient in zip(parameters, torch.autograd.grad(loss, parameters)):
            parameter.grad = gradient
        clip_grad_norm_(parameters, c.max_grad_norm)
        copy_gradients(self.net, self.shared)
        self.optimizer.step()
        return float(loss)

    def run(self):
        while self.T.value < self.config.max_steps:
            self.sync()
            rollout = self.rollout()
            self.update(rollout)
