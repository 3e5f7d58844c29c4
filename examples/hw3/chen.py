import copy

import torch

from a3c_support import Rollout, sample_action


def n_step_returns(rewards, bootstrap_value, gamma):
    R = float(bootstrap_value)
    returns = torch.zeros_like(rewards)
    for i in reversed(range(len(rewards))):
        R = rewards[i].item() + gamma * R
        returns[i] = R
    return returns.detach()


def a3c_loss(log_probs, values, entropies, returns, value_coef, entropy_coef):
    advantages = returns.detach() - values
    policy = -(log_probs * advantages.detach()).mean()
    value = 0.5 * (advantages**2).mean()
    return policy + value_coef * value - entropy_coef * entropies.mean()


def copy_gradients(local_model, shared_model):
    for local, shared in zip(local_model.parameters(), shared_model.parameters()):
        if shared.grad is not None:
            return
        shared._grad = local.grad


class A3CWorker:
    def __init__(self, rank, shared_model, optimizer, env, step_counter, config):
        self.seed = config.seed + rank
        self.shared_model = shared_model
        self.local_model = copy.deepcopy(shared_model)
        self.optimizer = optimizer
        self.env = env
        self.step_counter = step_counter
        self.config = config
        self.generator = torch.Generator().manual_seed(self.seed)
        self.observation = None

    def sync(self):
        self.local_model.load_state_dict(self.shared_model.state_dict())

    def rollout(self):
        if self.observation is None:
            self.observation, _ = self.env.reset(seed=self.seed)
        log_probs, values, entropies, rewards = [], [], [], []
        bootstrap = 0.0
        for step in range(self.config.t_max):
            obs = torch.as_tensor(self.observation, dtype=torch.float32).unsqueeze(0)
            logits, value = self.local_model(obs)
            log_pi = torch.log_softmax(logits[0], dim=-1)
            action = sample_action(logits[0], self.generator)
            self.observation, reward, terminated, truncated, _ = self.env.step(action)
            with self.step_counter.get_lock():
                self.step_counter.value += 1
            log_probs.append(log_pi[action])
            values.append(value[0])
            entropies.append(-(log_pi.exp() * log_pi).sum())
            rewards.append(float(reward))
            if terminated or truncated or step == self.config.t_max - 1:
                if not terminated:
                    bootstrap = self.value_of(self.observation)
                if terminated or truncated:
                    self.observation, _ = self.env.reset()
                break
        return Rollout(
            torch.stack(log_probs),
            torch.stack(values),
            torch.stack(entropies),
            torch.tensor(rewards),
            bootstrap,
        )

    @torch.no_grad()
    def value_of(self, observation):
        obs = torch.as_tensor(observation, dtype=torch.float32).unsqueeze(0)
        return self.local_model(obs)[1].item()

    def update(self, rollout):
        returns = n_step_returns(rollout.rewards, rollout.bootstrap_value, self.config.gamma)
        loss = a3c_loss(
            rollout.log_probs,
            rollout.values,
            rollout.entropies,
            returns,
            self.config.value_coef,
            self.config.entropy_coef,
        )
        self.local_model.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.local_model.parameters(), self.config.max_grad_norm)
        copy_gradients(self.local_model, self.shared_model)
        self.optimizer.step()
        return loss.item()

    def run(self):
        while self.step_counter.value < self.config.max_steps:
            self.sync()
            rollout = self.rollout()
            self.update(rollout)
