"""Right answers to hw3_a3c that are written differently from the reference."""

from autograder.grading.variants import equivalent

# --- n_step_returns -------------------------------------------------------------------------------------------------


@equivalent("n_step_returns")
@torch.no_grad()
def with_tensors(rewards, bootstrap_value, gamma):
    returns = torch.zeros_like(rewards)
    R = bootstrap_value
    for i in range(len(rewards) - 1, -1, -1):
        R = rewards[i] + gamma * R
        returns[i] = R
    return returns


@equivalent("n_step_returns")
def with_a_matrix(rewards, bootstrap_value, gamma):
    T = len(rewards)
    age = torch.arange(T + 1).unsqueeze(0) - torch.arange(T).unsqueeze(1)
    weights = torch.where(
        age >= 0, torch.tensor(gamma, dtype=torch.float64) ** age.clamp(min=0), 0.0
    )
    last = torch.as_tensor(bootstrap_value, dtype=torch.float64).reshape(1)
    return (weights @ torch.cat([rewards.double(), last])).to(rewards.dtype).detach()


@equivalent("n_step_returns")
def with_numpy_and_insert(rewards, bootstrap_value, gamma):
    import numpy as np

    running, returns = float(torch.as_tensor(bootstrap_value).detach()), []
    for reward in rewards.detach().numpy()[::-1]:
        running = float(reward) + gamma * running
        returns.insert(0, running)
    return torch.from_numpy(np.array(returns)).to(rewards.dtype)


@equivalent("n_step_returns")
def with_recursion_in_blocks(rewards, bootstrap_value, gamma):
    """R of the second half bootstraps the first half."""

    def solve(block, R):
        if len(block) == 1:
            return [block[0] + gamma * R]
        middle = len(block) // 2
        right = solve(block[middle:], R)
        return solve(block[:middle], right[0]) + right

    R = bootstrap_value.item() if torch.is_tensor(bootstrap_value) else bootstrap_value
    return (
        torch.tensor(solve(rewards.tolist(), R)).to(rewards.dtype)
        if rewards.dtype == torch.float32
        else (torch.tensor(solve(rewards.tolist(), R), dtype=torch.float64))
    )


# --- a3c_loss -------------------------------------------------------------------------------------------------------


@equivalent("a3c_loss")
def step_by_step(log_probs, values, entropies, returns, value_coef, entropy_coef):
    policy_loss = value_loss = 0.0
    for i in reversed(range(len(returns))):
        advantage = returns[i].detach() - values[i]
        value_loss = value_loss + advantage**2
        policy_loss = policy_loss - log_probs[i] * advantage.item() - entropy_coef * entropies[i]
    return policy_loss + value_coef * value_loss


@equivalent("a3c_loss")
def with_mse(log_probs, values, entropies, returns, value_coef, entropy_coef):
    returns = returns.detach()
    with torch.no_grad():
        advantages = returns - values
    actor = torch.dot(log_probs, advantages).neg()
    critic = nn.functional.mse_loss(values, returns, reduction="sum")
    return torch.stack([actor, value_coef * critic, -entropy_coef * entropies.sum()]).sum()


@equivalent("a3c_loss")
def one_sum(log_probs, values, entropies, returns, value_coef, entropy_coef):
    error = values - returns.data
    per_step = log_probs * error.detach() + value_coef * error.square() - entropy_coef * entropies
    return torch.sum(per_step, dim=0)


# --- copy_gradients -------------------------------------------------------------------------------------------------


@equivalent("copy_gradients")
def zeros_for_none(local_model, shared_model):
    for local, shared in zip(local_model.parameters(), shared_model.parameters(), strict=True):
        if shared.grad is None:
            shared.grad = torch.zeros_like(shared)
        if local.grad is None:
            shared.grad.zero_()
        else:
            shared.grad.copy_(local.grad)


@equivalent("copy_gradients")
def by_name(local_model, shared_model):
    shared = dict(shared_model.named_parameters())
    for name, parameter in local_model.named_parameters():
        grad = parameter.grad
        shared[name].grad = grad if grad is None else copy.deepcopy(grad.detach())


@equivalent("copy_gradients")
def clear_then_add(local_model, shared_model):
    shared_model.zero_grad()
    for mine, theirs in zip(list(local_model.parameters()), list(shared_model.parameters())):
        if mine.grad is not None:
            theirs._grad = torch.zeros_like(mine.grad).add_(mine.grad)


# --- A3CWorker ------------------------------------------------------------------------------------------------------


@equivalent("A3CWorker")
class step_by_step_with_gradient:
    """A forward pass with gradient for each step, Categorical, load_state_dict."""

    def __init__(self, rank, shared_model, optimizer, env, step_counter, config):
        self.net, self.target = copy.deepcopy(shared_model), shared_model
        self.opt, self.env, self.T, self.cfg = optimizer, env, step_counter, config
        self.rng = torch.Generator()
        self.rng.manual_seed(config.seed + rank)
        self.rank, self.state, self.started = rank, None, False

    def sync(self):
        self.net.load_state_dict(self.target.state_dict())

    def rollout(self):
        if not self.started:
            self.state, _ = self.env.reset(seed=self.cfg.seed + self.rank)
            self.started = True
        log_probs, values, entropies, rewards = [], [], [], []
        done, boot = False, None
        for _ in range(self.cfg.t_max):
            logits, value = self.net(torch.from_numpy(self.state.copy()).float()[None])
            policy = torch.distributions.Categorical(logits=logits[0])
            action = sample_action(logits[0], self.rng)
            values.append(value[0])
            log_probs.append(policy.log_prob(torch.tensor(action)))
            entropies.append(policy.entropy())
            self.state, reward, terminated, truncated, _ = self.env.step(action)
            self.T.acquire()
            self.T.value += 1
            self.T.release()
            rewards.append(reward)
            if terminated:
                boot = 0.0
            elif truncated or len(rewards) == self.cfg.t_max:
                with torch.no_grad():
                    boot = self.net(torch.from_numpy(self.state.copy()).float()[None])[1][0].item()
            if terminated or truncated:
                done = True
                break
        if done:
            self.state, _ = self.env.reset()
        return Rollout(
            torch.stack(log_probs),
            torch.stack(values),
            torch.stack(entropies),
            torch.tensor(rewards),
            boot,
        )

    def update(self, rollout):
        R = n_step_returns(rollout.rewards, rollout.bootstrap_value, self.cfg.gamma)
        loss = a3c_loss(
            rollout.log_probs,
            rollout.values,
            rollout.entropies,
            R,
            value_coef=self.cfg.value_coef,
            entropy_coef=self.cfg.entropy_coef,
        )
        self.opt.zero_grad()
        self.net.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.net.parameters(), self.cfg.max_grad_norm)
        copy_gradients(self.net, self.target)
        self.opt.step()
        return float(loss.detach())

    def run(self):
        while True:
            with self.T.get_lock():
                if self.T.value >= self.cfg.max_steps:
                    return
            self.sync()
            self.update(self.rollout())


@equivalent("A3CWorker")
class clips_the_copy(A3CWorker):
    """Clipping the shared gradients after the copy is clipping the local ones before it."""

    def update(self, rollout):
        for parameter in self.local_model.parameters():
            parameter.grad = None
        returns = n_step_returns(rollout.rewards, rollout.bootstrap_value, self.config.gamma)
        terms = rollout.log_probs, rollout.values, rollout.entropies, returns
        loss = a3c_loss(*terms, self.config.value_coef, self.config.entropy_coef)
        loss.backward()
        copy_gradients(self.local_model, self.shared_model)
        norm = torch.linalg.vector_norm(
            torch.cat([p.grad.flatten() for p in self.shared_model.parameters()])
        )
        if norm > self.config.max_grad_norm:
            for parameter in self.shared_model.parameters():
                parameter.grad *= self.config.max_grad_norm / norm
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=False)
        return loss.item()


@equivalent("A3CWorker")
class counts_once_a_rollout(A3CWorker):
    """Evaluates everything afterwards, and adds up its steps in one locked addition; T is right after each rollout."""

    def rollout(self):
        if self.observation is None:
            self.observation, _ = self.env.reset(seed=self.seed)
        steps, end = [], False
        while len(steps) < self.config.t_max and not end:
            now = torch.tensor(self.observation, dtype=torch.float32)
            logits = self.local_model(now.reshape(1, -1))[0].detach().reshape(-1)
            action = sample_action(logits, self.generator)
            self.observation, reward, terminated, truncated, _ = self.env.step(action)
            end = terminated or truncated
            steps.append((now, action, reward, torch.tensor(self.observation, dtype=torch.float32)))
        with self.step_counter.get_lock():
            self.step_counter.value = self.step_counter.value + len(steps)
        states, actions, rewards, following = zip(*steps)
        bootstrap = 0.0
        if not terminated:
            bootstrap = float(self.local_model(following[-1][None])[1].detach())
        if end:
            self.observation = self.env.reset()[0]
        logits, values = self.local_model(torch.stack(states))
        policy = torch.distributions.Categorical(logits=logits)
        return Rollout(
            log_probs=policy.log_prob(torch.tensor(actions)),
            values=values,
            entropies=policy.entropy(),
            rewards=torch.tensor(rewards, dtype=torch.float),
            bootstrap_value=bootstrap,
        )


@equivalent("A3CWorker")
class probabilities_and_cross_entropy(A3CWorker):
    """cross_entropy for −log π, entropy from probabilities, and the raw counter under the counter's own lock."""

    def rollout(self):
        env, net, config = self.env, self.local_model, self.config
        if self.observation is None:
            self.observation = env.reset(seed=self.seed)[0]
        seen, chosen, rewards = [], [], []
        while True:
            seen.append(torch.as_tensor(self.observation).float())
            chosen.append(sample_action(net(seen[-1][None])[0][0], self.generator))
            self.observation, reward, terminated, truncated, _ = env.step(chosen[-1])
            with self.step_counter:
                self.step_counter.get_obj().value += 1
            rewards.append(float(reward))
            if terminated or truncated or len(rewards) >= config.t_max:
                break
        last = torch.as_tensor(self.observation).float()
        if terminated or truncated:
            self.observation = env.reset(seed=None)[0]
        logits, values = net(torch.stack(seen))
        probabilities = logits.softmax(-1)
        return Rollout(
            -nn.functional.cross_entropy(logits, torch.tensor(chosen), reduction="none"),
            values,
            -(probabilities * probabilities.log()).sum(-1),
            torch.FloatTensor(rewards),
            net(last[None])[1].squeeze().item() * (1.0 - terminated),
        )


@equivalent("A3CWorker")
class keeps_its_own_books(A3CWorker):
    """Remembers what it saw and differentiates that in update, one step after another."""

    def rollout(self):
        rollout = super().rollout()
        self.remembered = rollout
        return rollout

    def update(self, rollout):
        R = n_step_returns(
            self.remembered.rewards, self.remembered.bootstrap_value, self.config.gamma
        )
        self.local_model.zero_grad(set_to_none=False)
        total = 0.0
        for t in range(len(R)):
            one = slice(t, t + 1)
            loss = a3c_loss(
                rollout.log_probs[one],
                rollout.values[one],
                rollout.entropies[one],
                R[one],
                self.config.value_coef,
                self.config.entropy_coef,
            )
            loss.backward(retain_graph=True)
            total += loss.item()
        nn.utils.clip_grad_norm_(self.local_model.parameters(), self.config.max_grad_norm)
        copy_gradients(self.local_model, self.shared_model)
        self.optimizer.step()
        return total

    def sync(self):
        with torch.no_grad():
            vector = nn.utils.parameters_to_vector(self.shared_model.parameters()).clone()
            nn.utils.vector_to_parameters(vector, self.local_model.parameters())


@equivalent("A3CWorker")
class gradients_by_hand(A3CWorker):
    """torch.autograd.grad instead of backward, the shared network synced parameter by parameter."""

    def sync(self):
        theirs = dict(self.shared_model.named_parameters())
        for name, parameter in self.local_model.named_parameters():
            parameter.data = theirs[name].detach().clone()

    def update(self, rollout):
        config, parameters = self.config, list(self.local_model.parameters())
        returns = n_step_returns(
            rollout.rewards, torch.tensor(rollout.bootstrap_value), config.gamma
        )
        terms = rollout.log_probs, rollout.values, rollout.entropies, returns
        loss = a3c_loss(*terms, config.value_coef, config.entropy_coef)
        gradients = torch.autograd.grad(loss, parameters)
        norm = sum((g * g).sum() for g in gradients).sqrt()
        scale = torch.clamp(config.max_grad_norm / (norm + 1e-6), max=1.0)
        for parameter, gradient in zip(parameters, gradients):
            parameter.grad = gradient * scale
        copy_gradients(self.local_model, self.shared_model)
        self.optimizer.step()
        return loss.detach().item()


@equivalent("A3CWorker")
class numbers_as_tensors(A3CWorker):
    """0-dimensional tensors without gradient for numbers, and the counter read under its lock."""

    def rollout(self):
        from dataclasses import replace

        rollout = super().rollout()
        return replace(rollout, bootstrap_value=torch.tensor(rollout.bootstrap_value))

    def update(self, rollout):
        return torch.tensor(super().update(rollout))

    def run(self):
        def left():
            with self.step_counter.get_lock():
                return self.config.max_steps - self.step_counter.value

        while left() > 0:
            self.sync()
            self.update(self.rollout())


# --- LSTMA3CWorker --------------------------------------------------------------------------------------------------


@equivalent("LSTMA3CWorker")
class zeros_for_no_memory(A3CWorker):
    """A pass with gradient for each step, zeros for an empty memory, detached where a rollout starts."""

    def rollout(self):
        if self.observation is None:
            self.observation, _ = self.env.reset(seed=self.seed)
            self.forget()
        h, c = (part.detach() for part in self.state)
        kept = {"log_probs": [], "values": [], "entropies": [], "rewards": []}
        for _ in range(self.config.t_max):
            obs = torch.as_tensor(self.observation).float().view(1, -1)
            logits, value, (h, c) = self.local_model(obs, (h, c))
            policy = torch.distributions.Categorical(logits=logits[0])
            action = sample_action(logits[0], self.generator)
            self.observation, reward, terminated, truncated, _ = self.env.step(action)
            with self.step_counter.get_lock():
                self.step_counter.value += 1
            kept["log_probs"].append(policy.log_prob(torch.tensor(action)))
            kept["values"].append(value[0])
            kept["entropies"].append(policy.entropy())
            kept["rewards"].append(torch.tensor(reward))
            if terminated or truncated:
                break
        self.state = h, c
        bootstrap = 0.0
        if not terminated:
            with torch.no_grad():
                last = torch.as_tensor(self.observation).float().view(1, -1)
                bootstrap = self.local_model(last, self.state)[1].item()
        if terminated or truncated:
            self.observation, _ = self.env.reset()
            self.forget()
        stacked = {name: torch.stack(parts) for name, parts in kept.items()}
        return Rollout(**stacked, bootstrap_value=bootstrap)

    def forget(self):
        size = self.local_model.lstm.hidden_size
        self.state = torch.zeros(1, size), torch.zeros(1, size)


@equivalent("LSTMA3CWorker")
class detaches_at_the_end(LSTMA3CWorker):
    """Acts with gradient and detaches what it carries on."""

    def rollout(self):
        if self.observation is None:
            self.observation, _ = self.env.reset(seed=self.seed)
        memory, steps = self.memory, []
        while True:
            logits, value, memory = self.local_model(to_tensor(self.observation)[None], memory)
            action = sample_action(logits[0], self.generator)
            self.observation, reward, terminated, truncated, _ = self.env.step(action)
            self.step_counter.acquire()
            self.step_counter.value += 1
            self.step_counter.release()
            log_policy = torch.log_softmax(logits[0], 0)
            entropy = torch.special.entr(log_policy.exp()).sum()
            steps.append((log_policy[action], value[0], entropy, torch.tensor(float(reward))))
            if terminated or truncated or len(steps) == self.config.t_max:
                break
        _, last, _ = self.local_model(to_tensor(self.observation)[None], memory)
        self.memory = tuple(part.detach() for part in memory)
        if terminated or truncated:
            self.observation, self.memory = self.env.reset()[0], None
        return Rollout(*map(torch.stack, zip(*steps)), 0.0 if terminated else last.item())


@equivalent("LSTMA3CWorker")
class hides_the_memory_in_the_network(LSTMA3CWorker):
    """A3CWorker's own rollout; the memory is kept by the network that it calls."""

    def rollout(self):
        network, memory = self.local_model, self.memory

        class Remembering:
            now, ended = memory, False

            def __call__(self, obs):
                if len(obs) > 1:
                    return network(obs, memory)[:2]
                logits, values, self.now = network(obs, self.now)
                return logits, values

            def reset(self, **seed):
                return env.reset(**seed)

            def step(self, action):
                result = env.step(action)
                self.ended = result[2] or result[3]
                return result

        env, remembering = self.env, Remembering()
        self.local_model = self.env = remembering
        try:
            return A3CWorker.rollout(self)
        finally:
            self.local_model, self.env = network, env
            self.memory = None if remembering.ended else remembering.now
