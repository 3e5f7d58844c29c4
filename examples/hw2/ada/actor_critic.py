import torch
from torch import nn


def actor_loss(log_probs, advantages):
    return -(log_probs * advantages.detach()).mean()


def critic_loss(values, targets):
    return 0.5 * ((targets.detach() - values) ** 2).mean()


class SeparateActorCritic(nn.Module):
    def __init__(self, obs_dim, n_actions, hidden):
        super().__init__()
        self.actor = nn.Sequential(
            nn.Linear(obs_dim, hidden), nn.Tanh(), nn.Linear(hidden, n_actions)
        )
        self.critic = nn.Sequential(nn.Linear(obs_dim, hidden), nn.Tanh(), nn.Linear(hidden, 1))

    def forward(self, obs):
        return self.actor(obs), self.critic(obs).squeeze(-1)


class SharedActorCritic(nn.Module):
    def __init__(self, obs_dim, n_actions, hidden):
        super().__init__()
        self.trunk = nn.Sequential(nn.Linear(obs_dim, hidden), nn.Tanh())
        self.actor = nn.Linear(hidden, n_actions)
        self.critic = nn.Linear(hidden, 1)

    def forward(self, obs):
        features = self.trunk(obs)
        return self.actor(features), self.critic(features).squeeze(-1)


def a2c_loss(logits, values, actions, targets, value_coef, entropy_coef):
    log_pi = torch.log_softmax(logits, dim=-1)
    log_probs = log_pi.gather(-1, actions.unsqueeze(-1)).squeeze(-1)
    entropy = -(log_pi.exp() * log_pi).sum(-1)
    return (
        actor_loss(log_probs, targets - values)
        + value_coef * critic_loss(values, targets)
        - entropy_coef * entropy.mean()
    )
