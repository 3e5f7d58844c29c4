"""Right answers to homework 2 that are written differently."""

from autograder.grading.variants import equivalent

# --- td_targets ---------------------------------------------------------------------------------


@equivalent("td_targets")
@torch.no_grad()
def targets_with_where(rewards, next_values, terminated, gamma):
    return torch.where(terminated, rewards, rewards + gamma * next_values)


@equivalent("td_targets")
def targets_with_float_mask(rewards, next_values, terminated, gamma):
    mask = 1.0 - terminated.float()
    return rewards.detach() + gamma * mask * next_values.detach()


@equivalent("td_targets")
def targets_of_detached_values(rewards, next_values, terminated, gamma):
    return rewards + gamma * next_values.detach() * ~terminated


@equivalent("td_targets")
def targets_with_loop(rewards, next_values, terminated, gamma):
    targets = rewards.detach().clone()
    for i, ended in enumerate(terminated.tolist()):
        if not ended:
            targets[i] += gamma * next_values[i].item()
    return targets


@equivalent("td_targets")
def targets_in_numpy(rewards, next_values, terminated, gamma):
    r, v = rewards.detach().numpy(), next_values.detach().numpy()
    return torch.from_numpy((r + gamma * v * (1 - terminated.numpy())).astype(r.dtype))


# --- td_advantages ------------------------------------------------------------------------------


@equivalent("td_advantages")
def advantages_written_out(rewards, values, next_values, terminated, gamma):
    return (rewards - values + gamma * next_values.masked_fill(terminated, 0.0)).detach()


@equivalent("td_advantages")
@torch.no_grad()
def advantages_without_grad(rewards, values, next_values, terminated, gamma):
    return td_targets(rewards, next_values, terminated, gamma) - values


@equivalent("td_advantages")
def advantages_in_float64(rewards, values, next_values, terminated, gamma):
    delta = rewards.double() + gamma * next_values.double() * (~terminated).double()
    return (delta - values.double()).to(values.dtype).detach()


# --- q_advantages -------------------------------------------------------------------------------


@equivalent("q_advantages")
def q_advantages_one_hot(q_values, logits, actions):
    taken = torch.nn.functional.one_hot(actions, q_values.shape[-1]).to(q_values.dtype)
    return ((taken - logits.softmax(-1)) * q_values).sum(-1).detach()


@equivalent("q_advantages")
def q_advantages_categorical(q_values, logits, actions):
    policy = torch.distributions.Categorical(logits=logits)
    rows = torch.arange(len(actions))
    return (q_values[rows, actions] - (policy.probs * q_values).sum(1)).data


@equivalent("q_advantages")
@torch.no_grad()
def q_advantages_einsum(q_values, logits, actions):
    weights = (logits - logits.max(dim=1, keepdim=True).values).exp()
    v = torch.einsum("ba,ba->b", weights, q_values) / weights.sum(dim=1)
    return torch.stack([q[a] for q, a in zip(q_values, actions)]) - v


@equivalent("q_advantages")
def q_advantages_batched_product(q_values, logits, actions):
    probs = torch.softmax(logits, dim=1)
    v = torch.bmm(probs.unsqueeze(1), q_values.unsqueeze(2)).view(-1)
    return (torch.take_along_dim(q_values, actions[:, None], dim=1)[:, 0] - v).detach()


# --- generalized_advantages ---------------------------------------------------------------------


@equivalent("generalized_advantages")
def gae_with_lists(rewards, values, next_values, terminated, truncated, gamma, lam):
    advantages, following = [], 0.0
    for t in range(len(rewards) - 1, -1, -1):
        delta = rewards[t].item() - values[t].item()
        if not terminated[t]:
            delta += gamma * next_values[t].item()
        following = delta if terminated[t] or truncated[t] else delta + gamma * lam * following
        advantages.insert(0, following)
    return torch.tensor(advantages, dtype=rewards.dtype)


@equivalent("generalized_advantages")
@torch.no_grad()
def gae_as_matrix_product(rewards, values, next_values, terminated, truncated, gamma, lam):
    deltas = td_targets(rewards, next_values, terminated, gamma) - values
    t = torch.arange(len(deltas))
    ended = (terminated | truncated).long()
    episode = ended.cumsum(0) - ended
    age = t[None, :] - t[:, None]
    kernel = (gamma * lam) ** age.clamp(min=0).to(deltas.dtype)
    return (kernel * ((age >= 0) & (episode[:, None] == episode[None, :]))) @ deltas


@equivalent("generalized_advantages")
def gae_episode_by_episode(rewards, values, next_values, terminated, truncated, gamma, lam):
    deltas = td_advantages(rewards, values, next_values, terminated, gamma)
    advantages, start = deltas.clone(), 0
    for end in range(len(deltas)):
        if terminated[end] or truncated[end] or end == len(deltas) - 1:
            for t in range(end - 1, start - 1, -1):
                advantages[t] += gamma * lam * advantages[t + 1]
            start = end + 1
    return advantages


@equivalent("generalized_advantages")
def gae_through_lambda_returns(rewards, values, next_values, terminated, truncated, gamma, lam):
    # The λ-return G_t = r_t + γ[(1 − λ) V(s') + λ G_{t+1}], less V(s).
    returns, following = torch.empty_like(values), 0.0
    values, next_values = values.detach(), next_values.detach()
    for t in reversed(range(len(values))):
        cut = bool(terminated[t] or truncated[t]) or t == len(values) - 1
        beyond = next_values[t] if cut else (1 - lam) * next_values[t] + lam * following
        following = rewards[t].detach() + gamma * beyond * (not bool(terminated[t]))
        returns[t] = following
    return returns - values


@equivalent("generalized_advantages")
def gae_with_float32_masks(rewards, values, next_values, terminated, truncated, gamma, lam):
    alive, goes_on = 1.0 - terminated.float(), 1.0 - (terminated | truncated).float()
    advantages, following = torch.zeros_like(rewards.detach()), 0.0
    for t in reversed(range(len(rewards))):
        delta = (rewards[t] + gamma * alive[t] * next_values[t] - values[t]).detach()
        following = delta + gamma * lam * goes_on[t] * following
        advantages[t] = following
    return advantages


# --- actor_loss ---------------------------------------------------------------------------------


@equivalent("actor_loss")
def actor_dot(log_probs, advantages):
    return -torch.dot(log_probs, advantages.detach()) / log_probs.shape[0]


@equivalent("actor_loss")
def actor_loop(log_probs, advantages):
    total = log_probs.new_zeros(())
    for log_prob, a in zip(log_probs, advantages.tolist()):
        total = total - log_prob * a
    return total / len(log_probs)


@equivalent("actor_loss")
def actor_no_grad_weights(log_probs, advantages):
    with torch.no_grad():
        weights = -advantages / advantages.numel()
    return (weights * log_probs).sum()


# --- critic_loss --------------------------------------------------------------------------------


@equivalent("critic_loss")
def critic_mse(values, targets):
    return nn.functional.mse_loss(values, targets.detach()) / 2


@equivalent("critic_loss")
def critic_norm(values, targets):
    error = values - targets.detach()
    return (error @ error) / (2 * error.numel())


@equivalent("critic_loss")
def critic_loop(values, targets):
    errors = [(v - y) ** 2 for v, y in zip(values, targets.tolist())]
    return sum(errors) * 0.5 / len(errors)


# --- SeparateActorCritic ------------------------------------------------------------------------


@equivalent("SeparateActorCritic")
class separate_deep_and_orthogonal(nn.Module):
    def __init__(self, obs_dim, n_actions, hidden):
        super().__init__()
        self.policy = self.mlp(obs_dim, hidden, n_actions, 0.01)
        self.value = self.mlp(obs_dim, 2 * hidden, 1, 1.0)

    @staticmethod
    def mlp(n_in, width, n_out, gain):
        layers, last = [], n_in
        for _ in range(3):
            layers += [nn.Linear(last, width), nn.ReLU()]
            last = width
        layers.append(nn.Linear(last, n_out))
        for layer in layers[::2]:
            nn.init.orthogonal_(layer.weight, 2**0.5)
            nn.init.zeros_(layer.bias)
        nn.init.orthogonal_(layers[-1].weight, gain)
        return nn.Sequential(*layers)

    def forward(self, obs):
        return self.policy(obs), self.value(obs).view(-1)


@equivalent("SeparateActorCritic")
class separate_with_zero_heads(nn.Module):
    def __init__(self, obs_dim, n_actions, hidden):
        super().__init__()
        self.a1, self.c1 = nn.Linear(obs_dim, hidden), nn.Linear(obs_dim, hidden)
        self.a2, self.c2 = nn.Linear(hidden, n_actions), nn.Linear(hidden, 1)
        for head in (self.a2, self.c2):
            nn.init.zeros_(head.weight)
            nn.init.zeros_(head.bias)

    def forward(self, obs):
        logits = self.a2(torch.relu(self.a1(obs)))
        return logits, self.c2(torch.relu(self.c1(obs)))[:, 0]


@equivalent("SeparateActorCritic")
class separate_linear(nn.Module):
    def __init__(self, obs_dim, n_actions, hidden):
        super().__init__()
        self.logits = nn.Linear(obs_dim, n_actions, bias=False)
        self.value = nn.Linear(obs_dim, 1)

    def forward(self, obs):
        return self.logits(obs), self.value(obs).squeeze(1)


@equivalent("SeparateActorCritic")
class separate_side_by_side(nn.Module):
    """Both networks in the same tensors, without sharing an element."""

    def __init__(self, obs_dim, n_actions, hidden):
        super().__init__()
        self.hidden = hidden
        self.first = nn.Linear(obs_dim, 2 * hidden)
        self.norm = nn.LayerNorm(hidden, elementwise_affine=False)
        self.policy, self.value = nn.Linear(hidden, n_actions), nn.Linear(hidden, 1)

    def forward(self, obs):
        for_policy, for_value = self.first(obs).split(self.hidden, dim=1)
        logits = self.policy(torch.tanh(self.norm(for_policy)))
        return logits, self.value(nn.functional.gelu(for_value)).flatten()


# --- SharedActorCritic --------------------------------------------------------------------------


@equivalent("SharedActorCritic")
class shared_fused_head(nn.Module):
    def __init__(self, obs_dim, n_actions, hidden):
        super().__init__()
        self.trunk = nn.Sequential(nn.Linear(obs_dim, hidden), nn.ReLU())
        self.head = nn.Linear(hidden, n_actions + 1)

    def forward(self, obs):
        out = self.head(self.trunk(obs))
        return out[:, :-1], out[:, -1]


@equivalent("SharedActorCritic")
class shared_deep_and_orthogonal(nn.Module):
    def __init__(self, obs_dim, n_actions, hidden):
        super().__init__()
        sizes = [(obs_dim, 4 * hidden), (4 * hidden, 2 * hidden), (2 * hidden, hidden)]
        self.layers = nn.ModuleList(nn.Linear(*size) for size in sizes)
        self.pi = nn.Linear(hidden, n_actions)
        self.v = nn.Linear(hidden, 1, bias=False)
        nn.init.orthogonal_(self.pi.weight, 0.01)
        nn.init.constant_(self.pi.bias, 0.0)

    def forward(self, obs):
        x = obs
        for layer in self.layers:
            x = nn.functional.elu(layer(x))
        return self.pi(x), self.v(x).squeeze(-1)


@equivalent("SharedActorCritic")
class shared_with_zero_heads(SharedActorCritic):
    def __init__(self, obs_dim, n_actions, hidden):
        super().__init__(obs_dim, n_actions, hidden)
        for head in (self.policy_head, self.value_head):
            nn.init.zeros_(head.weight)
            nn.init.zeros_(head.bias)


@equivalent("SharedActorCritic")
class shared_residual_and_normalised(nn.Module):
    def __init__(self, obs_dim, n_actions, hidden):
        super().__init__()
        self.embed = nn.Linear(obs_dim, hidden)
        self.block = nn.Sequential(nn.LayerNorm(hidden), nn.Linear(hidden, hidden), nn.SiLU())
        self.heads = nn.ModuleDict({"pi": nn.Linear(hidden, n_actions), "v": nn.Linear(hidden, 1)})

    def forward(self, obs):
        x = self.embed(obs)
        x = x + self.block(x)
        return self.heads["pi"](x), self.heads["v"](x).reshape(obs.shape[0])


# --- a2c_loss -----------------------------------------------------------------------------------


@equivalent("a2c_loss")
def a2c_categorical(logits, values, actions, targets, value_coef, entropy_coef):
    policy = torch.distributions.Categorical(logits=logits)
    advantages = targets.detach() - values.detach()
    loss = actor_loss(policy.log_prob(actions), advantages)
    loss = loss + value_coef * critic_loss(values, targets)
    return loss - entropy_coef * policy.entropy().mean()


@equivalent("a2c_loss")
def a2c_cross_entropy(logits, values, actions, targets, value_coef, entropy_coef):
    surprise = nn.functional.cross_entropy(logits, actions, reduction="none")
    error = targets.detach() - values
    probs = torch.softmax(logits, -1)
    entropy = torch.logsumexp(logits, -1) - (probs * logits).sum(-1)
    per_step = surprise * error.detach() + 0.5 * value_coef * error**2 - entropy_coef * entropy
    return per_step.mean()


@equivalent("a2c_loss")
def a2c_one_hot(logits, values, actions, targets, value_coef, entropy_coef):
    log_pi = nn.functional.log_softmax(logits, dim=1)
    taken = nn.functional.one_hot(actions, logits.shape[1])
    with torch.no_grad():
        advantages = targets - values
    actor = -((log_pi * taken).sum(dim=1) * advantages).sum() / len(actions)
    entropy = torch.special.entr(log_pi.exp()).sum() / len(actions)
    return actor + value_coef * critic_loss(values, targets) - entropy_coef * entropy
