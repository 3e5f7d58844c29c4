"""One actor-learner process of asynchronous advantage actor-critic (A3C).

Lecture, "Actor-Critic": Algorithm S3 of Mnih et al. 2016, "Asynchronous Methods for Deep
Reinforcement Learning". The questions follow its lines: the returns R, the gradients they give,
the asynchronous push to the shared parameters, and the loop around them.
"""

import copy

import torch
from torch import nn

from a3c_support import A3CConfig, ActorCritic, Rollout, sample_action


def n_step_returns(rewards, bootstrap_value, gamma):
    """R of Algorithm S3 at each step of a rollout, in time order.

    Args:
        rewards: (T,) rewards r_i of the rollout.
        bootstrap_value: float or 0-d tensor; R behind the last step (0 if that step terminated).
        gamma: discount factor, a float.

    Returns:
        (T,) tensor in the dtype of ``rewards``; constant (it carries no gradient).
    """
    # TODO n_step_returns (Algorithm S3, "R ← r_i + γR" for i from t−1 down to t_start):
    # start from the bootstrap, go backwards through the rewards, give R back in time order.
    raise NotImplementedError("n_step_returns")


def a3c_loss(log_probs, values, entropies, returns, value_coef, entropy_coef):
    """The scalar whose gradient is −dθ and dθ_v of Algorithm S3, plus an entropy bonus.

    Algorithm S3 *accumulates* over the rollout: sums, not means, and no ½ at the value term.

    Args:
        log_probs: (T,) log π(a_i|s_i; θ').
        values: (T,) V(s_i; θ'_v).
        entropies: (T,) entropy H of π(·|s_i; θ').
        returns: (T,) R at each step; constant.
        value_coef, entropy_coef: floats.

    Returns:
        Scalar Σ −log π · (R − V) + value_coef · Σ (R − V)² − entropy_coef · Σ H,
        where (R − V) is constant in the first term.
    """
    # TODO a3c_loss (Algorithm S3, "dθ ← dθ + ∇ log π(a_i|s_i)(R − V)" and
    # "dθ_v ← dθ_v + ∂(R − V)²/∂θ'_v"): dθ climbs while an optimizer descends, and (R − V) is a mere
    # number in the first of the two.
    raise NotImplementedError("a3c_loss")


def copy_gradients(local_model, shared_model):
    """Hand the local gradients to the shared parameters, anew at every call.

    Args:
        local_model: network whose parameters' ``.grad`` was just computed.
        shared_model: network of the same architecture; afterwards its parameters' ``.grad`` hold
            the same numbers in memory of their own, and its parameters' values are unchanged.
    """
    # TODO copy_gradients (Algorithm S3, "Perform asynchronous update of θ using dθ …"): both
    # networks list their parameters in the same order. What must happen at the second call?
    raise NotImplementedError("copy_gradients")


class A3CWorker:
    """One actor-learner of Algorithm S3 with its own network, environment and random stream.

    Args:
        rank: 0, 1, 2, …; sets this worker apart: its seed is ``config.seed + rank``.
        shared_model: ActorCritic with the parameters θ, θ_v that every worker updates.
        optimizer: steps the shared parameters.
        env: gymnasium environment with observations (obs_dim,) and actions 0 … n_actions − 1.
        step_counter: ``multiprocessing.Value``, the global counter T of environment steps.
        config: A3CConfig.
    """

    def __init__(
        self, rank: int, shared_model: ActorCritic, optimizer, env, step_counter, config: A3CConfig
    ):
        # TODO A3CWorker (Algorithm S3, "thread-specific parameter vectors θ', θ'_v"): keep what you
        # are given, a deep copy of the shared network, and a torch.Generator with this worker's
        # seed; then write the four methods below.
        raise NotImplementedError("A3CWorker")

    def sync(self) -> None:
        """Copy the shared parameters into the local network."""
        # (Algorithm S3, "Synchronize thread-specific parameters θ' = θ and θ'_v = θ_v")
        raise NotImplementedError("A3CWorker")

    def rollout(self) -> Rollout:
        """Act with the local network for at most ``t_max`` steps, or until the episode ends.

        Goes on where the last rollout stopped. The first reset of all uses this worker's seed;
        the environment is reset, without a seed, right after an episode ends.

        Returns:
            Rollout of T ≤ t_max steps whose log_probs, values and entropies carry gradient to the
            local network.
        """
        # (Algorithm S3, from "Get state s_t" to "R = 0 for terminal s_t, else V(s_t)"): a_t comes
        # from sample_action; T ← T + 1 under the counter's lock, once a step. An episode that the
        # time limit truncates has not reached a terminal state.
        raise NotImplementedError("A3CWorker")

    def update(self, rollout: Rollout) -> float:
        """One asynchronous update of the shared parameters from the last rollout.

        Clears the local gradients, back-propagates a3c_loss, clips the local gradient norm to
        ``max_grad_norm``, copies the gradients to the shared network and steps the optimizer.

        Returns:
            The loss.
        """
        # (Algorithm S3, from "for i ∈ {t−1, …, t_start} do" to "Perform asynchronous update")
        raise NotImplementedError("A3CWorker")

    def run(self) -> None:
        """Sync, rollout, update, as long as the global counter T is below ``max_steps``."""
        # (Algorithm S3, the outer "repeat … until T > T_max")
        raise NotImplementedError("A3CWorker")


class LSTMA3CWorker(A3CWorker):
    """Bonus: A3C-LSTM of the comparison table. Its network is an LSTMActorCritic.

    All is as in A3CWorker, but the network is called with a memory and gives it back,
    ``logits, values, memory = network(obs (T, obs_dim), memory)``. Within an episode the memory is
    carried from step to step and from rollout to rollout; it is None when an episode starts. The
    gradient goes back to the start of the rollout, and no further.
    """


    def rollout(self) -> Rollout:
        """As A3CWorker.rollout; the bootstrap leaves the memory for the next rollout alone."""
        # TODO LSTMA3CWorker (bonus; lecture: the row "A3C, LSTM"): your rollout, with a memory. When
        # is it carried on, when cleared, and where does its gradient end?
        raise NotImplementedError("LSTMA3CWorker")
