"""REINFORCE on signals: the smallest problem that a policy gradient can learn, and what the grader trains with.

At each step the agent sees one of `n_signals` signals and presses one of `n_buttons` buttons. Which button is right is for the
agent to find out. Everything is given here but the loss, which is yours.
"""

import torch
from torch.nn.functional import log_softmax

import policy_gradient

UPDATES, TRAJECTORIES, STEPS, LEARNING_RATE = 3, 256, 4, 10.0


def train_on_signals(press, n_signals, n_buttons, seed):
    """Train a table of preferences with `policy_gradient_loss`.

    Args:
        press: (signals (N, T), buttons (N, T)) int64 arrays → rewards (N, T) float64 array.
        seed: of the signals shown and the actions sampled.

    Returns:
        Preferences (n_signals, n_buttons), float64; the policy is their softmax.
    """
    generator = torch.Generator().manual_seed(seed)
    shape = (TRAJECTORIES, STEPS)
    mask = torch.ones(shape, dtype=torch.bool)
    preferences = torch.zeros(n_signals, n_buttons, dtype=torch.float64)
    for _ in range(UPDATES):
        preferences.requires_grad_()
        signals = torch.randint(n_signals, shape, generator=generator)
        log_policy = log_softmax(preferences, dim=-1)[signals]
        chances = log_policy.detach().exp().reshape(-1, n_buttons)
        buttons = torch.multinomial(chances, 1, generator=generator).reshape(shape)
        rewards = torch.as_tensor(press(signals.numpy(), buttons.numpy()))
        log_probs = log_policy.gather(-1, buttons.unsqueeze(-1)).squeeze(-1)
        loss = policy_gradient.policy_gradient_loss(log_probs, rewards - rewards.mean(), mask)
        (gradient,) = torch.autograd.grad(loss, preferences)
        preferences = preferences.detach() - LEARNING_RATE * gradient
    return preferences
