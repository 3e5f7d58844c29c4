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
    # BEGIN SOLUTION NO PROMPT
    R = torch.as_tensor(bootstrap_value, dtype=rewards.dtype).item()
    returns = []
    for reward in reversed(rewards.tolist()):
        R = reward + gamma * R
        returns.append(R)
    return torch.tensor(returns[::-1], dtype=rewards.dtype)
    # END SOLUTION
    """ # BEGIN PROMPT
    # TODO n_step_returns (Algorithm S3, "R ← r_i + γR" for i from t−1 down to t_start):
    # start from the bootstrap, go backwards through the rewards, give R back in time order.
    raise NotImplementedError("n_step_returns")
    """  # END PROMPT


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
    # BEGIN SOLUTION NO PROMPT
    advantages = returns.detach() - values
    policy_loss = -(log_probs * advantages.detach()).sum()
    value_loss = advantages.pow(2).sum()
    return policy_loss + value_coef * value_loss - entropy_coef * entropies.sum()
    # END SOLUTION
    """ # BEGIN PROMPT
    # TODO a3c_loss (Algorithm S3, "dθ ← dθ + ∇ log π(a_i|s_i)(R − V)" and
    # "dθ_v ← dθ_v + ∂(R − V)²/∂θ'_v"): dθ climbs while an optimizer descends, and (R − V) is a mere
    # number in the first of the two.
    raise NotImplementedError("a3c_loss")
    """  # END PROMPT


def copy_gradients(local_model, shared_model):
    """Hand the local gradients to the shared parameters, anew at every call.

    Args:
        local_model: network whose parameters' ``.grad`` was just computed.
        shared_model: network of the same architecture; afterwards its parameters' ``.grad`` hold
            the same numbers in memory of their own, and its parameters' values are unchanged.
    """
    # BEGIN SOLUTION NO PROMPT
    for local, shared in zip(local_model.parameters(), shared_model.parameters()):
        shared.grad = None if local.grad is None else local.grad.clone()
    # END SOLUTION
    """ # BEGIN PROMPT
    # TODO copy_gradients (Algorithm S3, "Perform asynchronous update of θ using dθ …"): both
    # networks list their parameters in the same order. What must happen at the second call?
    raise NotImplementedError("copy_gradients")
    """  # END PROMPT


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
        # BEGIN SOLUTION NO PROMPT
        self.shared_model = shared_model
        self.local_model = copy.deepcopy(shared_model)
        self.optimizer = optimizer
        self.env = env
        self.step_counter = step_counter
        self.config = config
        self.seed = config.seed + rank
        self.generator = torch.Generator().manual_seed(self.seed)
        self.observation = None  # before the first rollout
        # END SOLUTION
        """ # BEGIN PROMPT
        # TODO A3CWorker (Algorithm S3, "thread-specific parameter vectors θ', θ'_v"): keep what you
        # are given, a deep copy of the shared network, and a torch.Generator with this worker's
        # seed; then write the four methods below.
        raise NotImplementedError("A3CWorker")
        """  # END PROMPT

    def sync(self) -> None:
        """Copy the shared parameters into the local network."""
        # BEGIN SOLUTION NO PROMPT
        with torch.no_grad():
            for local, shared in zip(self.local_model.parameters(), self.shared_model.parameters()):
                local.copy_(shared)
        # END SOLUTION
        """ # BEGIN PROMPT
        # (Algorithm S3, "Synchronize thread-specific parameters θ' = θ and θ'_v = θ_v")
        raise NotImplementedError("A3CWorker")
        """  # END PROMPT

    def rollout(self) -> Rollout:
        """Act with the local network for at most ``t_max`` steps, or until the episode ends.

        Goes on where the last rollout stopped. The first reset of all uses this worker's seed;
        the environment is reset, without a seed, right after an episode ends.

        Returns:
            Rollout of T ≤ t_max steps whose log_probs, values and entropies carry gradient to the
            local network.
        """
        # BEGIN SOLUTION NO PROMPT
        if self.observation is None:
            self.observation, _ = self.env.reset(seed=self.seed)

        observations, actions, rewards = [to_tensor(self.observation)], [], []
        terminated = truncated = False
        while not (terminated or truncated or len(rewards) == self.config.t_max):
            with torch.no_grad():
                logits, _ = self.local_model(observations[-1].unsqueeze(0))
            action = sample_action(logits.squeeze(0), self.generator)
            self.observation, reward, terminated, truncated, _ = self.env.step(action)
            with self.step_counter.get_lock():
                self.step_counter.value += 1
            observations.append(to_tensor(self.observation))
            actions.append(action)
            rewards.append(reward)
        if terminated or truncated:
            self.observation, _ = self.env.reset()

        # One batched pass gives every gradient, and V of the last observation besides.
        logits, values = self.local_model(torch.stack(observations))
        log_policy = logits[:-1].log_softmax(dim=-1)
        return Rollout(
            log_probs=log_policy.gather(1, torch.tensor(actions).unsqueeze(1)).squeeze(1),
            values=values[:-1],
            entropies=-(log_policy.exp() * log_policy).sum(dim=-1),
            rewards=torch.tensor(rewards, dtype=torch.float32),
            bootstrap_value=0.0 if terminated else values[-1].item(),
        )
        # END SOLUTION
        """ # BEGIN PROMPT
        # (Algorithm S3, from "Get state s_t" to "R = 0 for terminal s_t, else V(s_t)"): a_t comes
        # from sample_action; T ← T + 1 under the counter's lock, once a step. An episode that the
        # time limit truncates has not reached a terminal state.
        raise NotImplementedError("A3CWorker")
        """  # END PROMPT

    def update(self, rollout: Rollout) -> float:
        """One asynchronous update of the shared parameters from the last rollout.

        Clears the local gradients, back-propagates a3c_loss, clips the local gradient norm to
        ``max_grad_norm``, copies the gradients to the shared network and steps the optimizer.

        Returns:
            The loss.
        """
        # BEGIN SOLUTION NO PROMPT
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
        nn.utils.clip_grad_norm_(self.local_model.parameters(), self.config.max_grad_norm)
        copy_gradients(self.local_model, self.shared_model)
        self.optimizer.step()
        return loss.item()
        # END SOLUTION
        """ # BEGIN PROMPT
        # (Algorithm S3, from "for i ∈ {t−1, …, t_start} do" to "Perform asynchronous update")
        raise NotImplementedError("A3CWorker")
        """  # END PROMPT

    def run(self) -> None:
        """Sync, rollout, update, as long as the global counter T is below ``max_steps``."""
        # BEGIN SOLUTION NO PROMPT
        while self.step_counter.value < self.config.max_steps:
            self.sync()
            self.update(self.rollout())
        # END SOLUTION
        """ # BEGIN PROMPT
        # (Algorithm S3, the outer "repeat … until T > T_max")
        raise NotImplementedError("A3CWorker")
        """  # END PROMPT


class LSTMA3CWorker(A3CWorker):
    """Bonus: A3C-LSTM of the comparison table. Its network is an LSTMActorCritic.

    All is as in A3CWorker, but the network is called with a memory and gives it back,
    ``logits, values, memory = network(obs (T, obs_dim), memory)``. Within an episode the memory is
    carried from step to step and from rollout to rollout; it is None when an episode starts. The
    gradient goes back to the start of the rollout, and no further.
    """

    # BEGIN SOLUTION NO PROMPT
    memory = None  # before self.observation is seen
    # END SOLUTION

    def rollout(self) -> Rollout:
        """As A3CWorker.rollout; the bootstrap leaves the memory for the next rollout alone."""
        # BEGIN SOLUTION NO PROMPT
        if self.observation is None:
            self.observation, _ = self.env.reset(seed=self.seed)

        observations, actions, rewards = [to_tensor(self.observation)], [], []
        memory, memory_at_start = self.memory, self.memory
        terminated = truncated = False
        while not (terminated or truncated or len(rewards) == self.config.t_max):
            with torch.no_grad():  # so the memory carries no gradient into the next rollout
                logits, _, memory = self.local_model(observations[-1].unsqueeze(0), memory)
            action = sample_action(logits.squeeze(0), self.generator)
            self.observation, reward, terminated, truncated, _ = self.env.step(action)
            with self.step_counter.get_lock():
                self.step_counter.value += 1
            observations.append(to_tensor(self.observation))
            actions.append(action)
            rewards.append(reward)
        self.memory = memory
        if terminated or truncated:
            self.observation, _ = self.env.reset()
            self.memory = None

        # Once more from the start, now with gradient; the last value is the bootstrap.
        logits, values, _ = self.local_model(torch.stack(observations), memory_at_start)
        log_policy = logits[:-1].log_softmax(dim=-1)
        return Rollout(
            log_probs=log_policy.gather(1, torch.tensor(actions).unsqueeze(1)).squeeze(1),
            values=values[:-1],
            entropies=-(log_policy.exp() * log_policy).sum(dim=-1),
            rewards=torch.tensor(rewards, dtype=torch.float32),
            bootstrap_value=0.0 if terminated else values[-1].item(),
        )
        # END SOLUTION
        """ # BEGIN PROMPT
        # TODO LSTMA3CWorker (bonus; lecture: the row "A3C, LSTM"): your rollout, with a memory. When
        # is it carried on, when cleared, and where does its gradient end?
        raise NotImplementedError("LSTMA3CWorker")
        """  # END PROMPT


# BEGIN SOLUTION NO PROMPT
def to_tensor(observation):
    return torch.as_tensor(observation, dtype=torch.float32)


# END SOLUTION
