"""A2C in a house of a few rooms: the smallest problem that an actor can't learn without its critic, and what the grader
trains with.

In each of `n_rooms` rooms the agent presses one of `n_buttons` buttons. It may be paid, and it may find itself in another
room or at the end. The way to the prize is for the agent to find out. Everything is given here but the loss, which is yours.
"""

import torch

import actor_critic

UPDATES, BATCH, LEARNING_RATE = 5, 128, 150.0
GAMMA, VALUE_COEF, ENTROPY_COEF = 0.9, 0.04, 0.01


def train_in_rooms(press, n_rooms, n_buttons, seed):
    """Train a table of preferences and values with `a2c_loss`, a row for each room.

    Args:
        press: (rooms (B,), buttons (B,)) int64 arrays → rewards (B,) float64, next rooms (B,) int64 and terminated (B,)
            bool arrays.
        seed: of the rooms visited and the actions sampled.

    Returns:
        Preferences (n_rooms, n_buttons), float64; the policy is their softmax.
    """
    generator = torch.Generator().manual_seed(seed)
    table = torch.zeros(n_rooms, n_buttons + 1, dtype=torch.float64)  # preferences and a value
    for _ in range(UPDATES):
        table.requires_grad_()
        rooms = torch.randint(n_rooms, (BATCH,), generator=generator)
        logits, values = table[rooms, :-1], table[rooms, -1]
        chances = logits.detach().softmax(dim=-1)
        buttons = torch.multinomial(chances, 1, generator=generator).squeeze(-1)
        outcome = press(rooms.numpy(), buttons.numpy())
        rewards, next_rooms, terminated = (torch.as_tensor(array) for array in outcome)
        targets = rewards + GAMMA * table.detach()[next_rooms, -1] * ~terminated
        loss = actor_critic.a2c_loss(logits, values, buttons, targets, VALUE_COEF, ENTROPY_COEF)
        (gradient,) = torch.autograd.grad(loss, table)
        table = table.detach() - LEARNING_RATE * gradient
    return table[:, :-1].clone()
