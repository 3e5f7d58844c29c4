"""What hw3_a3c gives you: configuration, network, sampling, shared optimizers, and the processes.

Read it, import from it, and leave it as it is: the grader uses its own copy.
"""

import sys
from dataclasses import dataclass

import gymnasium
import numpy as np
import torch
from torch import nn


@dataclass
class A3CConfig:
    """Constants of Algorithm S3 (Mnih et al. 2016) and of the loss.

    Attributes:
        gamma: discount factor γ.
        t_max: most environment steps in one rollout.
        max_steps: T_max, environment steps of all workers together.
        value_coef: weight of the value term.
        entropy_coef: weight of the entropy bonus.
        max_grad_norm: the local gradient is clipped to this norm.
        seed: worker ``rank`` seeds itself with ``seed + rank``.
    """

    gamma: float = 0.99
    t_max: int = 20
    max_steps: int = 80_000
    value_coef: float = 0.1
    entropy_coef: float = 0.01
    max_grad_norm: float = 40.0
    seed: int = 0


@dataclass
class Rollout:
    """T ≤ t_max consecutive steps of one episode.

    Attributes:
        log_probs: (T,) log π(a_i|s_i; θ'), with gradient.
        values: (T,) V(s_i; θ'_v), with gradient.
        entropies: (T,) entropy of π(·|s_i; θ'), with gradient.
        rewards: (T,) r_i.
        bootstrap_value: R behind the last step: 0 if it terminated, else V of the last observation.
    """

    log_probs: torch.Tensor
    values: torch.Tensor
    entropies: torch.Tensor
    rewards: torch.Tensor
    bootstrap_value: float


class Brightness(nn.Module):
    """Bytes 0 … 255 to numbers 0 … 1."""

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return image / 255.0


def features(obs_shape: int | tuple[int, int, int], hidden: int) -> nn.Sequential:
    """(B, *obs_shape) observations to (B, hidden) features.

    Args:
        obs_shape: length of a vector, or (channels, height, width) of an image: large ones get
            the convolutions of Mnih et al. 2016, small ones a single one.
        hidden: width.
    """
    if isinstance(obs_shape, int):
        return nn.Sequential(nn.Linear(obs_shape, hidden), nn.Tanh())
    channels, height, _ = obs_shape
    if height >= 84:
        filters = [Brightness(), nn.Conv2d(channels, 16, 8, stride=4), nn.ReLU()]
        filters.append(nn.Conv2d(16, 32, 4, stride=2))
    else:
        filters = [nn.Conv2d(channels, 16, 3)]
    convolutions = nn.Sequential(*filters, nn.ReLU(), nn.Flatten())
    size = convolutions(torch.zeros(1, *obs_shape)).shape[1]
    return nn.Sequential(*convolutions, nn.Linear(size, hidden), nn.ReLU())


class ActorCritic(nn.Module):
    """Policy π(a|s; θ) and value V(s; θ_v) on features that both share.

    ``obs_dim`` is the length of an observation, or the shape (channels, height, width) of an image.
    """

    def __init__(self, obs_dim, n_actions: int, hidden: int):
        super().__init__()
        self.trunk = features(obs_dim, hidden)
        self.policy = nn.Linear(hidden, n_actions)
        self.value = nn.Linear(hidden, 1)

    def forward(self, obs: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """(B, obs_dim) observations to (B, A) logits and (B,) values."""
        trunk = self.trunk(obs)
        return self.policy(trunk), self.value(trunk).squeeze(-1)


class LSTMActorCritic(nn.Module):
    """An actor-critic that remembers what it saw earlier in the episode (the row A3C, LSTM)."""

    def __init__(self, obs_dim, n_actions: int, hidden: int):
        super().__init__()
        self.trunk = features(obs_dim, hidden)
        self.lstm = nn.LSTM(hidden, hidden)
        self.policy = nn.Linear(hidden, n_actions)
        self.value = nn.Linear(hidden, 1)

    def forward(self, obs: torch.Tensor, memory=None):
        """T consecutive observations of *one* environment.

        Args:
            obs: (T, obs_dim).
            memory: what the network remembers from before, a pair of (1, hidden) tensors; None at the
                start of an episode (zeros).

        Returns:
            (T, A) logits, (T,) values, and the memory after the last observation.
        """
        remembered, memory = self.lstm(self.trunk(obs), memory)
        return self.policy(remembered), self.value(remembered).squeeze(-1), memory


def sample_action(logits: torch.Tensor, generator: torch.Generator) -> int:
    """Draw a ~ softmax(logits), logits (A,): the only source of randomness in a rollout.

    The largest of logits + Gumbel noise is such a draw, and −log of an exponential is such noise.
    """
    noise = -torch.empty_like(logits).exponential_(generator=generator).log()
    return int((logits.detach() + noise).argmax())


class SharedAdam(torch.optim.Adam):
    """Adam whose moments and step counts live in shared memory, so that all workers share them."""

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8):
        super().__init__(params, lr=lr, betas=betas, eps=eps)
        share_optimizer_state(self, ("exp_avg", "exp_avg_sq"))


class SharedRMSprop(torch.optim.RMSprop):
    """RMSprop with shared statistics, the optimizer of Mnih et al. 2016."""

    def __init__(self, params, lr=7e-4, alpha=0.99, eps=1e-5):
        super().__init__(params, lr=lr, alpha=alpha, eps=eps)
        share_optimizer_state(self, ("square_avg",))


def share_optimizer_state(optimizer: torch.optim.Optimizer, averages: tuple[str, ...]) -> None:
    """Create the state that torch would create at the first step, in shared memory."""
    for group in optimizer.param_groups:
        for parameter in group["params"]:
            state = optimizer.state[parameter]
            state["step"] = torch.zeros(()).share_memory_()
            for name in averages:
                state[name] = torch.zeros_like(parameter, requires_grad=False).share_memory_()


class HideVelocities(gymnasium.ObservationWrapper):
    """CartPole that shows where cart and pole are, each in units of its limit, but not how fast."""

    def __init__(self, env: gymnasium.Env):
        super().__init__(env)
        self.observation_space = gymnasium.spaces.Box(-2.0, 2.0, (2,), np.float32)

    def observation(self, observation):
        position, _, angle, _ = observation
        return np.array([position / 2.4, angle / 0.21], dtype=np.float32)


class ReportEpisodes(gymnasium.Wrapper):
    """Send the return and length of each finished episode to the parent process."""

    def __init__(self, env: gymnasium.Env, episodes):
        super().__init__(env)
        self.episodes = episodes
        self.episode_return, self.length = 0.0, 0

    def reset(self, **kwargs):
        self.episode_return, self.length = 0.0, 0
        return self.env.reset(**kwargs)

    def step(self, action):
        observation, reward, terminated, truncated, info = self.env.step(action)
        self.episode_return += float(reward)
        self.length += 1
        if terminated or truncated:
            self.episodes.put((self.episode_return, self.length))
        return observation, reward, terminated, truncated, info


def work(rank, worker_class, model, optimizer, make_env, step_counter, config, episodes):
    """One process: build an environment and a worker, and run it."""
    torch.set_num_threads(1)
    env = ReportEpisodes(make_env(), episodes)
    try:
        worker_class(rank, model, optimizer, env, step_counter, config).run()
    finally:
        env.close()


def train_a3c(
    make_env,
    config: A3CConfig,
    n_workers: int,
    worker_class,
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    on_progress=None,
) -> int:
    """Train ``model`` with ``n_workers`` processes that share it; updates take no lock (Hogwild).

    An error in a worker ends the others and is raised here, with the worker's traceback. Ctrl-C
    ends all workers.

    Args:
        make_env: function without arguments that makes a worker's environment. Where processes are
            spawned (macOS, Windows) it must be importable: a function of a module, not a lambda.
        config: constants of the algorithm.
        n_workers: number of processes.
        worker_class: ``A3CWorker`` or ``LSTMA3CWorker``.
        model: network whose parameters are trained, in place.
        optimizer: ``SharedAdam`` or ``SharedRMSprop`` over the model's parameters.
        on_progress: called now and then with (environment steps so far, episodes finished since the
            last call as a list of (return, length)).

    Returns:
        The number of environment steps taken.
    """
    context = torch.multiprocessing.get_context("fork" if sys.platform == "linux" else "spawn")
    step_counter = context.Value("i", 0)
    episodes = context.SimpleQueue()
    model.share_memory()

    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # a forked process must not inherit a pool of threads
    processes = torch.multiprocessing.start_processes(
        work,
        (worker_class, model, optimizer, make_env, step_counter, config, episodes),
        nprocs=n_workers,
        join=False,
        start_method=context.get_start_method(),
    )
    try:
        finished = False
        while not finished:
            finished = processes.join(timeout=0.1)
            reported = drain(episodes)  # in any case: a full queue would stop the workers
            if on_progress is not None:
                on_progress(step_counter.value, reported)
    finally:
        for process in processes.processes:
            process.terminate()
            process.join()
        torch.set_num_threads(threads)
    return step_counter.value


def drain(episodes) -> list:
    """Everything that waits in the queue."""
    items = []
    while not episodes.empty():
        items.append(episodes.get())
    return items
