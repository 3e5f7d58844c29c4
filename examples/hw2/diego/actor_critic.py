import torch
from torch import nn


def actor_loss(log_probs, advantages):
    return -(log_probs * advantages.detach()).sum()


def critic_loss(values, targets):
    return ((values - targets.detach()) ** 2).mean()


class SeparateActorCritic(nn.Module):
    def __init__(self, obs_dim, n_actions, hidden):
        super().__init__()
        self.actor = nn.Sequential(
            nn.Linear(obs_dim, hidden), nn.ReLU(), nn.Linear(hidden, n_actions)
        )
        self.critic = nn.Sequential(nn.Linear(obs_dim, hidden), nn.ReLU(), nn.Linear(hidden, 1))

    def forward(self, obs):
        # (B, A) and (B, 1)
        return self.actor(obs), self.critic(obs)


class SharedActorCritic(nn.Module):
    def __init__(self, obs_dim, n_actions, hidden):
        super().__init__()
        self.trunk = nn.Sequential(nn.Linear(obs_dim, hidden), nn.ReLU())
        self.actor = nn.Linear(hidden, n_actions)
        self.critic = nn.Linear(hidden, 1)

    def forward(self, obs):
        h = self.trunk(obs)
        # the critic must not disturb the actor
        return self.actor(h), self.critic(h.detach()).squeeze(1)


def a2c_loss(logits, values, actions, targets, value_coef, entropy_coef):
    dist = torch.distributions.Categorical(logits=logits)
    advantage = targets.detach() - values
    actor = -(dist.log_prob(actions) * advantage).mean()
    critic = 0.5 * advantage.pow(2).mean()
    return actor + value_coef * critic - entropy_coef * dist.entropy().mean()
