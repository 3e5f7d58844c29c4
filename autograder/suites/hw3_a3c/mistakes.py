"""Known mistakes of hw3_a3c, each a small override of the reference."""

from autograder.grading.variants import mistake

# --- n_step_returns -------------------------------------------------------------------------------------------------


@mistake(
    "n_step_returns",
    en="The recursion runs backwards, so the list it fills is in reversed order: turn it round before you return it.",
    zh="递推是从后向前进行的，得到的列表顺序是反的：返回之前要翻转过来。",
)
def never_turned_round(rewards, bootstrap_value, gamma):
    R, returns = torch.as_tensor(bootstrap_value, dtype=torch.float64).item(), []
    for reward in reversed(rewards.tolist()):
        R = reward + gamma * R
        returns.append(R)
    return torch.tensor(returns, dtype=rewards.dtype)


@mistake(
    "n_step_returns",
    en="R starts from the bootstrap value: what comes after the last step counts, too.",
    zh="R 从自举值开始：最后一步之后的回报也要计入。",
)
def no_bootstrap(rewards, bootstrap_value, gamma):
    R, returns = 0.0, []
    for reward in reversed(rewards.tolist()):
        R = reward + gamma * R
        returns.append(R)
    return torch.tensor(returns[::-1], dtype=rewards.dtype)


@mistake(
    "n_step_returns",
    en="The bootstrap is one step later than the last reward: it is discounted, too.",
    zh="自举值比最后一个奖励晚一步，因此也要折扣。",
)
def bootstrap_not_discounted(rewards, bootstrap_value, gamma):
    rewards = rewards.detach().clone()
    rewards[-1] += torch.as_tensor(bootstrap_value, dtype=torch.float64).item()
    R, returns = 0.0, []
    for reward in reversed(rewards.tolist()):
        R = reward + gamma * R
        returns.append(R)
    return torch.tensor(returns[::-1], dtype=rewards.dtype)


@mistake(
    "n_step_returns",
    en="The bootstrap takes the place of the last reward instead of following it.",
    zh="自举值应接在最后一个奖励之后，而不是取代它。",
)
def bootstrap_replaces_last_reward(rewards, bootstrap_value, gamma):
    R = torch.as_tensor(bootstrap_value, dtype=torch.float64).item()
    returns = [R]
    for reward in reversed(rewards.tolist()[:-1]):
        R = reward + gamma * R
        returns.append(R)
    return torch.tensor(returns[::-1], dtype=rewards.dtype)


@mistake(
    "n_step_returns",
    en="The discount restarts at each step: γ counts from step i, not from the start of the rollout.",
    zh="折扣在每一步重新开始：γ 的次数从第 i 步算起，而不是从采样开头算起。",
)
def discounted_from_the_start(rewards, bootstrap_value, gamma):
    returns = n_step_returns_right(rewards, bootstrap_value, gamma)
    return returns * gamma ** torch.arange(len(rewards), dtype=rewards.dtype)


@mistake(
    "n_step_returns",
    en="Each step has a return of its own, of what comes from it on; the return of the whole rollout belongs to its first step only.",
    zh="每一步都有自己的回报，只包括这一步及以后；整段采样的回报只属于第一步。",
)
def same_return_for_all(rewards, bootstrap_value, gamma):
    return n_step_returns_right(rewards, bootstrap_value, gamma)[:1].repeat(len(rewards))


@mistake(
    "n_step_returns",
    en="R ← r_i + γR: the reward of the step itself is not discounted.",
    zh="R ← r_i + γR：本步的奖励自身不打折扣。",
)
def reward_discounted_too(rewards, bootstrap_value, gamma):
    R, returns = torch.as_tensor(bootstrap_value, dtype=torch.float64).item(), []
    for reward in reversed(rewards.tolist()):
        R = gamma * (reward + R)
        returns.append(R)
    return torch.tensor(returns[::-1], dtype=rewards.dtype)


@mistake(
    "n_step_returns",
    en="The recursion goes from the last step to the first: R at step i needs R at step i + 1.",
    zh="递推从最后一步走向第一步：第 i 步的 R 需要第 i + 1 步的 R。",
)
def recursion_forwards(rewards, bootstrap_value, gamma):
    R, returns = torch.as_tensor(bootstrap_value, dtype=torch.float64).item(), []
    for reward in rewards.tolist():
        R = reward + gamma * R
        returns.append(R)
    return torch.tensor(returns, dtype=rewards.dtype)


@mistake(
    "n_step_returns",
    en="The recursion reads the next reward where it should read the next R, so it never sees further than one step.",
    zh="递推中应读取下一步的 R，却读取了下一步的奖励，因此只能看到一步之后。",
)
def reads_the_next_reward(rewards, bootstrap_value, gamma):
    after = torch.cat(
        [rewards[1:], torch.as_tensor(bootstrap_value, dtype=rewards.dtype).reshape(1)]
    )
    return (rewards + gamma * after).detach()


@mistake(
    "n_step_returns",
    en="R is a target, a constant: no gradient flows through it, not even through the bootstrap.",
    zh="R 是目标值，是常数：没有梯度流过它，也不流过自举值。",
)
def keeps_gradient(rewards, bootstrap_value, gamma):
    R, returns = bootstrap_value, []
    for reward in reversed(rewards.unbind()):
        R = reward + gamma * R
        returns.append(R)
    return torch.stack(returns[::-1])


@mistake(
    "n_step_returns",
    en="Without a discount: γ is missing.",
    zh="缺少折扣因子 γ。",
)
def undiscounted(rewards, bootstrap_value, gamma):
    return n_step_returns_right(rewards, bootstrap_value, 1.0)


@mistake(
    "n_step_returns",
    en="Cumulative sums divided by γ to a high power overflow in long rollouts. Recurse from the end instead.",
    zh="用累积和再除以 γ 的高次幂，采样较长时会溢出。请从末尾向前递推。",
)
def divides_by_powers(rewards, bootstrap_value, gamma):
    if gamma == 0.0:
        return rewards.detach().clone()
    powers = gamma ** torch.arange(len(rewards) + 1, dtype=rewards.dtype)
    last = torch.as_tensor(bootstrap_value, dtype=rewards.dtype).reshape(1)
    discounted = torch.cat([rewards, last]) * powers
    return (discounted.flip(0).cumsum(0).flip(0) / powers)[:-1].detach()


@mistake(
    "n_step_returns",
    en="The caller's rewards are overwritten. Write the returns into a new tensor.",
    zh="调用者传入的奖励被覆盖了。请把回报写入新的张量。",
)
def overwrites_rewards(rewards, bootstrap_value, gamma):
    returns = n_step_returns_right(rewards, bootstrap_value, gamma)
    rewards.data.copy_(returns)
    return rewards.detach()


@mistake(
    "n_step_returns",
    en="The returns are normalised here; Algorithm S3 uses them as they are.",
    zh="这里对回报做了归一化；Algorithm S3 直接使用原始的回报。",
)
def normalised(rewards, bootstrap_value, gamma):
    returns = n_step_returns_right(rewards, bootstrap_value, gamma)
    return (returns - returns.mean()) / (returns.std(unbiased=False) + 1e-8)


def n_step_returns_right(rewards, bootstrap_value, gamma):
    R, returns = torch.as_tensor(bootstrap_value, dtype=torch.float64).item(), []
    for reward in reversed(rewards.tolist()):
        R = reward + gamma * R
        returns.append(R)
    return torch.tensor(returns[::-1], dtype=rewards.dtype)


@mistake(
    "n_step_returns",
    en="A tensor is asked for, not a list: what comes next computes with it.",
    zh="应返回张量而不是列表：后面的计算要用到它。",
)
def returns_as_a_list(rewards, bootstrap_value, gamma):
    R, returns = torch.as_tensor(bootstrap_value, dtype=torch.float64).item(), []
    for reward in reversed(rewards.tolist()):
        R = reward + gamma * R
        returns.insert(0, R)
    return returns


# --- a3c_loss -------------------------------------------------------------------------------------------------------


@mistake(
    "a3c_loss",
    en="Algorithm S3 accumulates over the rollout: sums, not means.",
    zh="Algorithm S3 在整段采样上累积：求和，而不是求平均。",
)
def means_for_sums(log_probs, values, entropies, returns, value_coef, entropy_coef):
    advantages = returns.detach() - values
    policy_loss = -(log_probs * advantages.detach()).mean()
    return policy_loss + value_coef * advantages.pow(2).mean() - entropy_coef * entropies.mean()


@mistake(
    "a3c_loss",
    en="The value term is a sum over the rollout like the others, not a mean.",
    zh="价值项与其他项一样是对采样求和，而不是求平均。",
)
def mean_of_value_term(log_probs, values, entropies, returns, value_coef, entropy_coef):
    advantages = returns.detach() - values
    policy_loss = -(log_probs * advantages.detach()).sum()
    return policy_loss + value_coef * advantages.pow(2).mean() - entropy_coef * entropies.sum()


@mistake(
    "a3c_loss",
    en="The entropy is summed over the rollout like the other terms, not averaged.",
    zh="熵与其他项一样对采样求和，而不是求平均。",
)
def mean_of_entropies(log_probs, values, entropies, returns, value_coef, entropy_coef):
    advantages = returns.detach() - values
    policy_loss = -(log_probs * advantages.detach()).sum()
    return policy_loss + value_coef * advantages.pow(2).sum() - entropy_coef * entropies.mean()


@mistake(
    "a3c_loss",
    en="There is no ½ at the value term: Algorithm S3 differentiates (R − V)² itself.",
    zh="价值项没有 ½：Algorithm S3 直接对 (R − V)² 求导。",
)
def half_the_value_term(log_probs, values, entropies, returns, value_coef, entropy_coef):
    advantages = returns.detach() - values
    policy_loss = -(log_probs * advantages.detach()).sum()
    return policy_loss + value_coef * 0.5 * advantages.pow(2).sum() - entropy_coef * entropies.sum()


@mistake(
    "a3c_loss",
    en="Optimizers descend, and J is to climb: the policy term has a minus.",
    zh="优化器做下降，而目标 J 要上升：策略项前应有负号。",
)
def policy_term_without_minus(log_probs, values, entropies, returns, value_coef, entropy_coef):
    advantages = returns.detach() - values
    policy_loss = (log_probs * advantages.detach()).sum()
    return policy_loss + value_coef * advantages.pow(2).sum() - entropy_coef * entropies.sum()


@mistake(
    "a3c_loss",
    en="The entropy is a bonus: it makes the loss smaller.",
    zh="熵是奖励：它应使损失变小。",
)
def entropy_as_penalty(log_probs, values, entropies, returns, value_coef, entropy_coef):
    advantages = returns.detach() - values
    policy_loss = -(log_probs * advantages.detach()).sum()
    return policy_loss + value_coef * advantages.pow(2).sum() + entropy_coef * entropies.sum()


@mistake(
    "a3c_loss",
    en="(R − V) is a constant in the policy term: otherwise the critic learns from the actor's term, too.",
    zh="策略项中的 (R − V) 是常数：否则评论家也会从演员的那一项学习。",
)
def advantage_keeps_gradient(log_probs, values, entropies, returns, value_coef, entropy_coef):
    advantages = returns.detach() - values
    policy_loss = -(log_probs * advantages).sum()
    return policy_loss + value_coef * advantages.pow(2).sum() - entropy_coef * entropies.sum()


@mistake(
    "a3c_loss",
    en="The value term needs the gradient of V: detach the advantage in the policy term only.",
    zh="价值项需要 V 的梯度：只在策略项中对优势使用 detach。",
)
def critic_never_learns(log_probs, values, entropies, returns, value_coef, entropy_coef):
    advantages = (returns - values).detach()
    policy_loss = -(log_probs * advantages).sum()
    return policy_loss + value_coef * advantages.pow(2).sum() - entropy_coef * entropies.sum()


@mistake(
    "a3c_loss",
    en="Returns are targets: no gradient flows into them.",
    zh="回报是目标值：没有梯度流入回报。",
)
def returns_keep_gradient(log_probs, values, entropies, returns, value_coef, entropy_coef):
    advantages = returns - values
    policy_loss = -(log_probs * advantages.detach()).sum()
    return policy_loss + value_coef * advantages.pow(2).sum() - entropy_coef * entropies.sum()


@mistake(
    "a3c_loss",
    en="The advantage is R − V, not V − R.",
    zh="优势是 R − V，而不是 V − R。",
)
def advantage_backwards(log_probs, values, entropies, returns, value_coef, entropy_coef):
    advantages = values - returns.detach()
    policy_loss = -(log_probs * advantages.detach() * 2).sum()
    return policy_loss + value_coef * advantages.pow(2).sum() - entropy_coef * entropies.sum()


@mistake(
    "a3c_loss",
    en="log π is weighted by the advantage R − V, not by the return R: the value is the baseline.",
    zh="log π 的权重是优势 R − V，而不是回报 R：价值函数就是基线。",
)
def no_baseline(log_probs, values, entropies, returns, value_coef, entropy_coef):
    returns = returns.detach()
    policy_loss = -(log_probs * returns).sum()
    value_loss = (returns - values).pow(2).sum()
    return policy_loss + value_coef * value_loss - entropy_coef * entropies.sum()


@mistake(
    "a3c_loss",
    en="The value term is weighted with value_coef.",
    zh="价值项要乘以 value_coef。",
)
def value_coef_forgotten(log_probs, values, entropies, returns, value_coef, entropy_coef):
    advantages = returns.detach() - values
    policy_loss = -(log_probs * advantages.detach()).sum()
    return policy_loss + advantages.pow(2).sum() - entropy_coef * entropies.sum()


@mistake(
    "a3c_loss",
    en="The entropy bonus is missing.",
    zh="缺少熵奖励。",
)
def no_entropy(log_probs, values, entropies, returns, value_coef, entropy_coef):
    advantages = returns.detach() - values
    return -(log_probs * advantages.detach()).sum() + value_coef * advantages.pow(2).sum()


@mistake(
    "a3c_loss",
    en="The entropy, too, carries gradient: a detached bonus changes the loss and nothing else.",
    zh="熵也要带梯度：detach 之后的熵奖励只改变损失的数值，不起作用。",
)
def entropy_detached(log_probs, values, entropies, returns, value_coef, entropy_coef):
    advantages = returns.detach() - values
    policy_loss = -(log_probs * advantages.detach()).sum()
    value_loss = advantages.pow(2).sum()
    return policy_loss + value_coef * value_loss - entropy_coef * entropies.detach().sum()


@mistake(
    "a3c_loss",
    en="(T, 1) − (T,) broadcasts to a (T, T) matrix that pairs every step with every value.",
    zh="(T, 1) − (T,) 会广播成 (T, T) 的矩阵，把每一步与所有价值配对。",
)
def broadcasts(log_probs, values, entropies, returns, value_coef, entropy_coef):
    advantages = returns.detach().unsqueeze(1) - values
    policy_loss = -(log_probs * advantages.detach()).sum()
    return policy_loss + value_coef * advantages.pow(2).sum() - entropy_coef * entropies.sum()


@mistake(
    "a3c_loss",
    en="The advantages are normalised here; Algorithm S3 uses them as they are.",
    zh="这里对优势做了归一化；Algorithm S3 直接使用原始的优势。",
)
def normalises_advantages(log_probs, values, entropies, returns, value_coef, entropy_coef):
    advantages = returns.detach() - values
    weights = advantages.detach()
    weights = (weights - weights.mean()) / (weights.std(unbiased=False) + 1e-8)
    value_loss = advantages.pow(2).sum()
    return -(log_probs * weights).sum() + value_coef * value_loss - entropy_coef * entropies.sum()


@mistake(
    "a3c_loss",
    en="The value term is the square of R − V, not its absolute value or a Huber loss.",
    zh="价值项是 R − V 的平方，而不是绝对值或 Huber 损失。",
)
def huber(log_probs, values, entropies, returns, value_coef, entropy_coef):
    returns = returns.detach()
    policy_loss = -(log_probs * (returns - values).detach()).sum()
    value_loss = nn.functional.smooth_l1_loss(values, returns, reduction="sum")
    return policy_loss + value_coef * value_loss - entropy_coef * entropies.sum()


@mistake(
    "a3c_loss",
    en="The loss is a tensor that carries the gradient, not a Python number.",
    zh="损失是带有梯度的张量，而不是 Python 数。",
)
def loss_as_a_number(log_probs, values, entropies, returns, value_coef, entropy_coef):
    advantages = returns.detach() - values
    policy = -(log_probs * advantages.detach()).sum()
    value = advantages.square().sum()
    return (policy + value_coef * value - entropy_coef * entropies.sum()).item()


# --- copy_gradients -------------------------------------------------------------------------------------------------


@mistake(
    "copy_gradients",
    en="Gradients are handed over only while the shared one is None, so the first gradient is applied for ever. Assign at every call.",
    zh="只有共享梯度为 None 时才传递梯度，于是第一次的梯度被一直使用。每次调用都要赋值。",
)
def only_the_first_time(local_model, shared_model):
    for local, shared in zip(local_model.parameters(), shared_model.parameters()):
        if shared.grad is None and local.grad is not None:
            shared.grad = local.grad.clone()


@mistake(
    "copy_gradients",
    en="The first gradient tensor is shared by both networks, and later ones are never handed over.",
    zh="两个网络共用第一次的梯度张量，之后的梯度不再传递。",
)
def alias_of_the_first(local_model, shared_model):
    for local, shared in zip(local_model.parameters(), shared_model.parameters()):
        if shared.grad is not None:
            return
        shared._grad = local.grad


@mistake(
    "copy_gradients",
    en="Local and shared .grad are one tensor: what changes the one changes the other. Clone it.",
    zh="本地与共享的 .grad 是同一个张量：改变其中一个会影响另一个。请使用 clone。",
)
def aliases(local_model, shared_model):
    for local, shared in zip(local_model.parameters(), shared_model.parameters()):
        shared.grad = local.grad


@mistake(
    "copy_gradients",
    en="detach() gives a new tensor over the same memory: local and shared gradient are still one. Clone it.",
    zh="detach() 得到的新张量仍共用同一块内存：本地与共享梯度还是同一份数据。请使用 clone。",
)
def detach_is_no_copy(local_model, shared_model):
    for local, shared in zip(local_model.parameters(), shared_model.parameters()):
        shared.grad = None if local.grad is None else local.grad.detach()


@mistake(
    "copy_gradients",
    en="The shared gradient is replaced, not added to: the optimizer would apply old gradients again.",
    zh="共享梯度应被替换，而不是累加：否则优化器会重复使用旧的梯度。",
)
def accumulates(local_model, shared_model):
    for local, shared in zip(local_model.parameters(), shared_model.parameters()):
        if local.grad is not None:
            shared.grad = local.grad.clone() if shared.grad is None else shared.grad + local.grad


@mistake(
    "copy_gradients",
    en="Push gradients, not weights: weights undo what the other workers did meanwhile.",
    zh="应推送梯度而不是权重：推送权重会抹掉其他 worker 在此期间的更新。",
)
def pushes_weights_too(local_model, shared_model):
    for local, shared in zip(local_model.parameters(), shared_model.parameters()):
        shared.data.copy_(local.data)
        shared.grad = None if local.grad is None else local.grad.clone()


@mistake(
    "copy_gradients",
    en="Weights are copied where gradients are asked for.",
    zh="要求复制的是梯度，而这里复制了权重。",
)
def pushes_weights(local_model, shared_model):
    shared_model.load_state_dict(local_model.state_dict())


@mistake(
    "copy_gradients",
    en="The direction is from the local network to the shared one.",
    zh="方向是从本地网络到共享网络。",
)
def wrong_direction(local_model, shared_model):
    for local, shared in zip(local_model.parameters(), shared_model.parameters()):
        local.grad = None if shared.grad is None else shared.grad.clone()


@mistake(
    "copy_gradients",
    en="Where the local gradient is None, an old gradient stays in the shared network and would be applied once more.",
    zh="本地梯度为 None 时，共享网络中仍保留旧的梯度，会被再次使用。",
)
def old_ones_stay(local_model, shared_model):
    for local, shared in zip(local_model.parameters(), shared_model.parameters()):
        if local.grad is not None:
            shared.grad = local.grad.clone()


@mistake(
    "copy_gradients",
    en="Every parameter's gradient is copied, not only those of the weight matrices.",
    zh="每个参数的梯度都要复制，而不只是权重矩阵的梯度。",
)
def biases_forgotten(local_model, shared_model):
    for local, shared in zip(local_model.parameters(), shared_model.parameters()):
        if local.grad is not None and local.ndim > 1:
            shared.grad = local.grad.clone()


@mistake(
    "copy_gradients",
    en="The local gradients are moved, not copied: afterwards the local network has none.",
    zh="本地梯度被移走而不是复制：调用后本地网络就没有梯度了。",
)
def moves_them(local_model, shared_model):
    for local, shared in zip(local_model.parameters(), shared_model.parameters()):
        shared.grad, local.grad = local.grad, None


@mistake(
    "copy_gradients",
    en="Gradients are applied to the shared weights here; that is the optimizer's part.",
    zh="这里直接用梯度修改了共享权重；那是优化器的工作。",
)
def steps_by_itself(local_model, shared_model):
    for local, shared in zip(local_model.parameters(), shared_model.parameters()):
        if local.grad is not None:
            shared.grad = local.grad.clone()
            shared.data -= 1e-3 * local.grad


# --- A3CWorker ------------------------------------------------------------------------------------------------------


class Hooks(A3CWorker):
    """The reference's worker, with each decision in a method of its own."""

    def first_reset(self):
        return self.env.reset(seed=self.seed)[0]

    def later_reset(self):
        return self.env.reset()[0]

    def policy(self, observation):
        with torch.no_grad():
            return self.local_model(observation.unsqueeze(0))[0].squeeze(0)

    def act(self, logits):
        return sample_action(logits, self.generator)

    def count(self):
        with self.step_counter.get_lock():
            self.step_counter.value += 1

    def over(self, steps, terminated, truncated):
        return terminated or truncated or steps == self.config.t_max

    def bootstrap(self, values, terminated, truncated):
        return 0.0 if terminated else values[-1].item()

    def entropies(self, log_policy):
        return -(log_policy.exp() * log_policy).sum(dim=-1)

    def rollout(self):
        if self.observation is None:
            self.observation = self.first_reset()
        observations, actions, rewards = [to_tensor(self.observation)], [], []
        terminated = truncated = False
        while not self.over(len(rewards), terminated, truncated):
            action = self.act(self.policy(observations[-1]))
            self.observation, reward, terminated, truncated, _ = self.env.step(action)
            self.count()
            observations.append(to_tensor(self.observation))
            actions.append(action)
            rewards.append(reward)
        self.last = observations[-1]
        if terminated or truncated:
            self.observation = self.later_reset()
        logits, values = self.local_model(torch.stack(observations))
        log_policy = logits[:-1].log_softmax(dim=-1)
        return Rollout(
            log_policy.gather(1, torch.tensor(actions).unsqueeze(1)).squeeze(1),
            values[:-1],
            self.entropies(log_policy),
            torch.tensor(rewards, dtype=torch.float32),
            self.bootstrap(values, terminated, truncated),
        )

    def loss(self, rollout):
        config = self.config
        returns = n_step_returns(rollout.rewards, rollout.bootstrap_value, config.gamma)
        terms = rollout.log_probs, rollout.values, rollout.entropies, returns
        return a3c_loss(*terms, config.value_coef, config.entropy_coef)

    def clear(self):
        self.local_model.zero_grad()

    def clip(self):
        nn.utils.clip_grad_norm_(self.local_model.parameters(), self.config.max_grad_norm)

    def push(self):
        copy_gradients(self.local_model, self.shared_model)
        self.optimizer.step()

    def update(self, rollout):
        loss = self.loss(rollout)
        self.clear()
        loss.backward()
        self.clip()
        self.push()
        return loss.item()


@mistake(
    "A3CWorker",
    en="Every worker has the same seed: the seed of a worker is config.seed + rank.",
    zh="所有 worker 的种子都相同：一个 worker 的种子是 config.seed + rank。",
)
class same_seed_for_all(A3CWorker):
    def __init__(self, rank, *others):
        super().__init__(0, *others)


@mistake(
    "A3CWorker",
    en="The environment takes config.seed + rank, too, at its first reset.",
    zh="环境的第一次 reset 也要使用 config.seed + rank。",
)
class environment_not_seeded(Hooks):
    def first_reset(self):
        return self.env.reset()[0]


@mistake(
    "A3CWorker",
    en="Only the first reset takes a seed: with one at each reset all episodes are alike.",
    zh="只有第一次 reset 传种子：如果每次都传，所有回合都会一样。",
)
class seeds_every_reset(Hooks):
    def later_reset(self):
        return self.env.reset(seed=self.seed)[0]


@mistake(
    "A3CWorker",
    en="The generator is seeded once, at the start; seeding it in each rollout repeats the same draws.",
    zh="随机数生成器只在开始时播种一次；若每段采样都播种，抽样就会重复。",
)
class seeds_every_rollout(Hooks):
    def rollout(self):
        self.generator.manual_seed(self.seed)
        return super().rollout()


@mistake(
    "A3CWorker",
    en="Actions are drawn with the worker's own generator, not with torch's global one.",
    zh="动作应使用 worker 自己的随机数生成器抽取，而不是 torch 的全局生成器。",
)
class global_generator(Hooks):
    def act(self, logits):
        return sample_action(logits, torch.default_generator)


@mistake(
    "A3CWorker",
    en="While learning, actions are sampled from the policy; the most probable one explores nothing.",
    zh="学习时动作要从策略中采样；总取最可能的动作就没有探索。",
)
class acts_greedily(Hooks):
    def act(self, logits):
        return int(logits.argmax())


@mistake(
    "A3CWorker",
    en="The local network is a copy: with the shared network itself, other workers change it in the middle of a rollout.",
    zh="本地网络是一份副本：如果直接使用共享网络，其他 worker 会在采样中途改变它。",
)
class no_copy_of_its_own(A3CWorker):
    def __init__(self, rank, shared_model, *others):
        super().__init__(rank, shared_model, *others)
        self.local_model = shared_model


@mistake(
    "A3CWorker",
    en="Act with the local network θ′, not with the shared one.",
    zh="用本地网络 θ′ 选择动作，而不是共享网络。",
)
class acts_with_the_shared_network(Hooks):
    def policy(self, observation):
        with torch.no_grad():
            return self.shared_model(observation.unsqueeze(0))[0].squeeze(0)


@mistake(
    "A3CWorker",
    en="sync has to copy the shared parameters each time: the worker goes on with its first copy for ever.",
    zh="每次 sync 都要复制共享参数：这里 worker 一直使用最初的副本。",
)
class never_syncs(A3CWorker):
    def sync(self):
        pass


@mistake(
    "A3CWorker",
    en="sync copies the numbers; a local parameter that shares the memory of the shared one changes with every update of any worker.",
    zh="sync 复制的是数值；如果本地参数与共享参数占用同一块内存，任何 worker 的更新都会改变它。",
)
class sync_shares_the_memory(A3CWorker):
    def sync(self):
        for local, shared in zip(self.local_model.parameters(), self.shared_model.parameters()):
            local.data = shared.data


@mistake(
    "A3CWorker",
    en="What is learned is computed with the local network θ′: gradients that flow into the shared one are not those that update pushes.",
    zh="用于学习的量由本地网络 θ′ 计算：流入共享网络的梯度不是 update 推送的梯度。",
)
class evaluates_the_shared_network(Hooks):
    def rollout(self):
        mine, self.local_model = self.local_model, self.shared_model
        try:
            return super().rollout()
        finally:
            self.local_model = mine


@mistake(
    "A3CWorker",
    en="sync copies from the shared network to the local one, not the other way round.",
    zh="sync 是从共享网络复制到本地网络，而不是反过来。",
)
class syncs_backwards(A3CWorker):
    def sync(self):
        self.shared_model.load_state_dict(self.local_model.state_dict())


@mistake(
    "A3CWorker",
    en="A rollout ends with its episode: what follows the reset belongs to another return.",
    zh="采样随回合结束：reset 之后的步属于另一个回报。",
)
class goes_on_after_the_end(Hooks):
    def rollout(self):
        if self.observation is None:
            self.observation = self.first_reset()
        observations, actions, rewards = [to_tensor(self.observation)], [], []
        for _ in range(self.config.t_max):
            action = self.act(self.policy(observations[-1]))
            self.observation, reward, terminated, truncated, _ = self.env.step(action)
            self.count()
            if terminated or truncated:
                self.observation = self.later_reset()
            observations.append(to_tensor(self.observation))
            actions.append(action)
            rewards.append(reward)
        logits, values = self.local_model(torch.stack(observations))
        log_policy = logits[:-1].log_softmax(dim=-1)
        return Rollout(
            log_policy.gather(1, torch.tensor(actions).unsqueeze(1)).squeeze(1),
            values[:-1],
            self.entropies(log_policy),
            torch.tensor(rewards, dtype=torch.float32),
            self.bootstrap(values, terminated, truncated),
        )


@mistake(
    "A3CWorker",
    en="A rollout goes on where the last one stopped; resetting at each start cuts every episode after t_max steps.",
    zh="采样应从上次停下的地方继续；若每次都先 reset，每个回合都会在 t_max 步后被截断。",
)
class starts_anew_each_time(Hooks):
    def rollout(self):
        self.observation = self.first_reset() if self.observation is None else self.later_reset()
        return super().rollout()


@mistake(
    "A3CWorker",
    en="An episode that ended has to be reset right away, for truncated ones too.",
    zh="回合结束后要立即重置，被截断（truncated）的回合也一样。",
)
class truncation_overlooked(Hooks):
    def rollout(self):
        observations, actions, rewards = [], [], []
        if self.observation is None:
            self.observation = self.first_reset()
        observations.append(to_tensor(self.observation))
        terminated = False
        while not terminated and len(rewards) < self.config.t_max:
            action = self.act(self.policy(observations[-1]))
            self.observation, reward, terminated, _, _ = self.env.step(action)
            self.count()
            observations.append(to_tensor(self.observation))
            actions.append(action)
            rewards.append(reward)
        if terminated:
            self.observation = self.later_reset()
        logits, values = self.local_model(torch.stack(observations))
        log_policy = logits[:-1].log_softmax(dim=-1)
        return Rollout(
            log_policy.gather(1, torch.tensor(actions).unsqueeze(1)).squeeze(1),
            values[:-1],
            self.entropies(log_policy),
            torch.tensor(rewards, dtype=torch.float32),
            self.bootstrap(values, terminated, False),
        )


@mistake(
    "A3CWorker",
    en="The environment is reset right after an episode ends, not at the start of the next rollout.",
    zh="回合结束后应立即重置环境，而不是等到下一段采样开始时。",
)
class resets_late(A3CWorker):
    def rollout(self):
        env, late = self.env, self

        class Late:
            step = staticmethod(env.step)

            def reset(self, seed=None):
                if seed is not None:
                    return env.reset(seed=seed)
                late.waiting = True
                return None, {}

        self.waiting = getattr(self, "waiting", False)
        if self.waiting:
            self.observation, _ = env.reset()
            self.waiting = False
        self.env = Late()
        try:
            return super().rollout()
        finally:
            self.env = env


@mistake(
    "A3CWorker",
    en="A rollout has at most t_max steps; this one takes one more.",
    zh="一段采样至多 t_max 步；这里多走了一步。",
)
class one_step_too_many(Hooks):
    def over(self, steps, terminated, truncated):
        return terminated or truncated or steps > self.config.t_max


@mistake(
    "A3CWorker",
    en="The value behind a terminated step is 0: nothing comes after the end.",
    zh="terminated 之后的价值为 0：结束之后不再有回报。",
)
class bootstraps_after_the_end(Hooks):
    def bootstrap(self, values, terminated, truncated):
        return values[-1].item()


@mistake(
    "A3CWorker",
    en="Only terminated ends the return: an episode cut off by the time limit is bootstrapped.",
    zh="只有 terminated 才终止回报：因时间限制而截断的回合仍要自举。",
)
class truncated_is_not_terminated(Hooks):
    def bootstrap(self, values, terminated, truncated):
        return 0.0 if terminated or truncated else values[-1].item()


@mistake(
    "A3CWorker",
    en="Terminated and truncated together count as terminated: the bootstrap is 0.",
    zh="同时 terminated 和 truncated 时按 terminated 处理：自举值为 0。",
)
class both_are_bootstrapped(Hooks):
    def bootstrap(self, values, terminated, truncated):
        return 0.0 if terminated and not truncated else values[-1].item()


@mistake(
    "A3CWorker",
    en="Without a bootstrap every rollout looks as if the episode ended after t_max steps.",
    zh="没有自举时，每段采样都好像在 t_max 步后结束了回合。",
)
class never_bootstraps(Hooks):
    def bootstrap(self, values, terminated, truncated):
        return 0.0


@mistake(
    "A3CWorker",
    en="The bootstrap is the value of the observation *after* the last step, not of the one acted on.",
    zh="自举值是最后一步*之后*的观测的价值，而不是做出动作时的观测的价值。",
)
class bootstraps_one_early(Hooks):
    def bootstrap(self, values, terminated, truncated):
        return 0.0 if terminated else values[-2].item()


@mistake(
    "A3CWorker",
    en="When the time limit ends an episode, bootstrap from its last observation, not from the first of the next episode.",
    zh="因时间限制结束回合时，应从该回合的最后一个观测自举，而不是下一个回合的第一个观测。",
)
class bootstraps_after_the_reset(Hooks):
    def bootstrap(self, values, terminated, truncated):
        if terminated:
            return 0.0
        with torch.no_grad():
            return self.local_model(to_tensor(self.observation).unsqueeze(0))[1].item()


@mistake(
    "A3CWorker",
    en="The bootstrap is V(s; θ′_v) of the local network, not of the shared one.",
    zh="自举值用本地网络的 V(s; θ′_v)，而不是共享网络的。",
)
class bootstraps_with_the_shared_network(Hooks):
    def bootstrap(self, values, terminated, truncated):
        with torch.no_grad():
            return 0.0 if terminated else self.shared_model(self.last.unsqueeze(0))[1].item()


@mistake(
    "A3CWorker",
    en="The bootstrap of a rollout is a number: one that carries gradient keeps the graph of a pass that nobody differentiates.",
    zh="采样的自举值是一个数：带梯度的自举值会保留一个无人求导的计算图。",
)
class bootstrap_keeps_gradient(Hooks):
    def bootstrap(self, values, terminated, truncated):
        return 0.0 if terminated else values[-1]


@mistake(
    "A3CWorker",
    en="The bootstrap of a rollout is a number, not a batch of one.",
    zh="采样的自举值是一个数，而不是只有一个元素的批次。",
)
class bootstrap_of_one_element(Hooks):
    def bootstrap(self, values, terminated, truncated):
        return 0.0 if terminated else values[-1:].detach()


@mistake(
    "A3CWorker",
    en="T counts environment steps, not rollouts.",
    zh="T 统计的是环境步数，而不是采样段数。",
)
class counts_rollouts(Hooks):
    def count(self):
        pass

    def rollout(self):
        with self.step_counter.get_lock():
            self.step_counter.value += 1
        return super().rollout()


@mistake(
    "A3CWorker",
    en="T counts environment steps, not episodes.",
    zh="T 统计的是环境步数，而不是回合数。",
)
class counts_episodes(Hooks):
    def count(self):
        pass

    def later_reset(self):
        with self.step_counter.get_lock():
            self.step_counter.value += 1
        return super().later_reset()


@mistake(
    "A3CWorker",
    en="A rollout cut short by the episode's end has fewer than t_max steps; count those that were taken.",
    zh="因回合结束而提前终止的采样不足 t_max 步；应按实际走的步数计数。",
)
class counts_t_max(Hooks):
    def count(self):
        pass

    def rollout(self):
        with self.step_counter.get_lock():
            self.step_counter.value += self.config.t_max
        return super().rollout()


@mistake(
    "A3CWorker",
    en="`value += 1` reads and writes: without the lock around both, two workers at once lose a step.",
    zh="`value += 1` 包含读和写两步：若没有用锁同时包住两者，两个 worker 同时计数会丢失一步。",
)
class counts_without_lock(Hooks):
    def count(self):
        self.step_counter.value += 1


@mistake(
    "A3CWorker",
    en="The lock is held for the whole rollout, so the workers take turns. Lock the counter only for the addition.",
    zh="整段采样期间都持有锁，worker 只能轮流运行。只在加一时锁住计数器。",
)
class locks_the_whole_rollout(Hooks):
    def rollout(self):
        with self.step_counter.get_lock():
            return super().rollout()


@mistake(
    "A3CWorker",
    en="The worker writes its own count into the shared counter and so wipes out the other workers' steps.",
    zh="worker 把自己的步数直接写入共享计数器，抹掉了其他 worker 的步数。",
)
class overwrites_the_counter(Hooks):
    steps = 0

    def count(self):
        self.steps += 1
        with self.step_counter.get_lock():
            self.step_counter.value = self.steps


@mistake(
    "A3CWorker",
    en="log_probs holds log π of the action taken, not the probability.",
    zh="log_probs 是所采取动作的 log π，而不是概率。",
)
class probabilities_for_logs(Hooks):
    def rollout(self):
        rollout = super().rollout()
        rollout.log_probs = rollout.log_probs.exp()
        return rollout


@mistake(
    "A3CWorker",
    en="Entropy is −Σ π log π over all actions, not −log π of the one taken.",
    zh="熵是对所有动作的 −Σ π log π，而不是所采取动作的 −log π。",
)
class entropy_of_the_action(Hooks):
    def rollout(self):
        rollout = super().rollout()
        rollout.entropies = -rollout.log_probs
        return rollout


@mistake(
    "A3CWorker",
    en="Entropy is −Σ π log π: the minus is missing.",
    zh="熵是 −Σ π log π：缺少负号。",
)
class entropy_without_minus(Hooks):
    def entropies(self, log_policy):
        return (log_policy.exp() * log_policy).sum(dim=-1)


@mistake(
    "A3CWorker",
    en="The rollout is recorded without gradient, so that update has nothing to differentiate.",
    zh="采样时没有记录梯度，update 无法求导。",
)
class rollout_without_gradient(A3CWorker):
    def rollout(self):
        with torch.no_grad():
            rollout = super().rollout()
        for name in ("log_probs", "values", "entropies"):
            setattr(rollout, name, getattr(rollout, name).requires_grad_())
        return rollout


@mistake(
    "A3CWorker",
    en="The value of the rollout must carry gradient: otherwise the critic never learns.",
    zh="采样中的 values 必须带梯度：否则评论家不会学习。",
)
class values_detached(A3CWorker):
    def rollout(self):
        rollout = super().rollout()
        rollout.values = rollout.values.detach()
        return rollout


@mistake(
    "A3CWorker",
    en="Gradients add up: clear the local network's before each backward pass (the shared optimizer's zero_grad clears others).",
    zh="梯度会累加：每次反向传播之前都要清空本地网络的梯度（共享优化器的 zero_grad 清空的是别的梯度）。",
)
class never_clears(Hooks):
    def clear(self):
        pass


@mistake(
    "A3CWorker",
    en="Gradients are cleared after backward, so nothing is left to push.",
    zh="在反向传播之后清空了梯度，没有可推送的内容。",
)
class clears_too_late(Hooks):
    def clip(self):
        self.local_model.zero_grad(set_to_none=False)


@mistake(
    "A3CWorker",
    en="The gradient is not clipped to max_grad_norm.",
    zh="没有把梯度裁剪到 max_grad_norm。",
)
class never_clips(Hooks):
    def clip(self):
        pass


@mistake(
    "A3CWorker",
    en="max_grad_norm limits the norm of the whole gradient, not each entry.",
    zh="max_grad_norm 限制的是整个梯度的范数，而不是每个分量。",
)
class clips_entries(Hooks):
    def clip(self):
        nn.utils.clip_grad_value_(self.local_model.parameters(), self.config.max_grad_norm)


@mistake(
    "A3CWorker",
    en="The norm is that of all parameters' gradients together, not of each parameter's by itself.",
    zh="范数是所有参数梯度合在一起的范数，而不是每个参数各自的范数。",
)
class clips_each_parameter(Hooks):
    def clip(self):
        for parameter in self.local_model.parameters():
            nn.utils.clip_grad_norm_([parameter], self.config.max_grad_norm)


@mistake(
    "A3CWorker",
    en="Clipped after the gradients were copied, so the optimizer still sees the long ones.",
    zh="在复制梯度之后才裁剪，优化器用的仍是未裁剪的梯度。",
)
class clips_too_late(Hooks):
    def clip(self):
        pass

    def push(self):
        copy_gradients(self.local_model, self.shared_model)
        super().clip()
        self.optimizer.step()


@mistake(
    "A3CWorker",
    en="Clipping shortens a long gradient and leaves a short one as it is; it does not lengthen it.",
    zh="裁剪只缩短过长的梯度，不会把较短的梯度拉长。",
)
class always_rescales(Hooks):
    def clip(self):
        gradients = [p.grad for p in self.local_model.parameters()]
        norm = torch.sqrt(sum(g.pow(2).sum() for g in gradients))
        for gradient in gradients:
            gradient.mul_(min(self.config.max_grad_norm, 5.0) / norm)


@mistake(
    "A3CWorker",
    en="The optimizer steps before the gradients are handed over, with those of the last update.",
    zh="优化器在梯度传递之前就走了一步，用的是上一次更新的梯度。",
)
class steps_before_the_copy(Hooks):
    def push(self):
        self.optimizer.step()
        copy_gradients(self.local_model, self.shared_model)


@mistake(
    "A3CWorker",
    en="The optimizer is never stepped: the shared parameters don't move.",
    zh="优化器没有执行 step：共享参数没有变化。",
)
class never_steps(Hooks):
    def push(self):
        copy_gradients(self.local_model, self.shared_model)


@mistake(
    "A3CWorker",
    en="The optimizer belongs to the local network here; the shared parameters are those to step.",
    zh="这里的优化器作用于本地网络；应当更新的是共享参数。",
)
class optimizes_the_local_network(Hooks):
    def push(self):
        torch.optim.SGD(
            self.local_model.parameters(), lr=self.optimizer.param_groups[0]["lr"]
        ).step()


@mistake(
    "A3CWorker",
    en="Weights are pushed after a local step: updates of other workers since the last sync are lost. Push gradients.",
    zh="先在本地更新再推送权重：自上次 sync 以来其他 worker 的更新会丢失。应推送梯度。",
)
class pushes_its_weights(Hooks):
    def push(self):
        kept = copy.deepcopy(self.local_model.state_dict())
        self.shared_model.load_state_dict(kept)
        copy_gradients(self.local_model, self.shared_model)
        self.optimizer.step()


@mistake(
    "A3CWorker",
    en="n_step_returns takes config.gamma.",
    zh="n_step_returns 应使用 config.gamma。",
)
class gamma_fixed(Hooks):
    def loss(self, rollout):
        config = self.config
        returns = n_step_returns(rollout.rewards, rollout.bootstrap_value, 0.99)
        terms = rollout.log_probs, rollout.values, rollout.entropies, returns
        return a3c_loss(*terms, config.value_coef, config.entropy_coef)


@mistake(
    "A3CWorker",
    en="The bootstrap of the rollout has to enter the returns.",
    zh="采样的自举值必须进入回报的计算。",
)
class bootstrap_unused(Hooks):
    def loss(self, rollout):
        config = self.config
        returns = n_step_returns(rollout.rewards, 0.0, config.gamma)
        terms = rollout.log_probs, rollout.values, rollout.entropies, returns
        return a3c_loss(*terms, config.value_coef, config.entropy_coef)


@mistake(
    "A3CWorker",
    en="The loss is divided by the length of the rollout; Algorithm S3 accumulates.",
    zh="损失除以了采样的长度；而 Algorithm S3 是累积的。",
)
class divides_by_the_length(Hooks):
    def loss(self, rollout):
        return super().loss(rollout) / len(rollout.rewards)


@mistake(
    "A3CWorker",
    en="value_coef and entropy_coef are swapped.",
    zh="value_coef 与 entropy_coef 弄反了。",
)
class coefficients_swapped(Hooks):
    def loss(self, rollout):
        config = self.config
        returns = n_step_returns(rollout.rewards, rollout.bootstrap_value, config.gamma)
        terms = rollout.log_probs, rollout.values, rollout.entropies, returns
        return a3c_loss(*terms, config.entropy_coef, config.value_coef)


@mistake(
    "A3CWorker",
    en="update returns the loss.",
    zh="update 要返回损失。",
)
class returns_nothing(A3CWorker):
    def update(self, rollout):
        super().update(rollout)


@mistake(
    "A3CWorker",
    en="update returns the loss as a number; the tensor would keep its whole graph alive.",
    zh="update 以数值形式返回损失；返回张量会使整个计算图一直存在。",
)
class returns_the_graph(Hooks):
    def update(self, rollout):
        loss = self.loss(rollout)
        self.clear()
        loss.backward()
        self.clip()
        self.push()
        return loss


@mistake(
    "A3CWorker",
    en="run synchronises before every rollout, not only at the start.",
    zh="run 在每段采样之前都要同步，而不只是开始时一次。",
)
class run_syncs_once(A3CWorker):
    def run(self):
        self.sync()
        while self.step_counter.value < self.config.max_steps:
            self.update(self.rollout())


@mistake(
    "A3CWorker",
    en="run synchronises before the first rollout, too: others may have moved the shared parameters since this worker was made.",
    zh="run 在第一段采样之前也要同步：自这个 worker 创建以来，其他 worker 可能已改变共享参数。",
)
class run_syncs_afterwards(A3CWorker):
    def run(self):
        while self.step_counter.value < self.config.max_steps:
            self.update(self.rollout())
            self.sync()


@mistake(
    "A3CWorker",
    en="run goes on while T is below max_steps, even if a whole rollout would overshoot it.",
    zh="只要 T 小于 max_steps，run 就继续，即使一整段采样会超出。",
)
class run_stops_before_the_end(A3CWorker):
    def run(self):
        while self.step_counter.value + self.config.t_max <= self.config.max_steps:
            self.sync()
            self.update(self.rollout())


@mistake(
    "A3CWorker",
    en="run looks at the shared counter T, not at the steps of this worker alone.",
    zh="run 应查看共享计数器 T，而不只是本 worker 自己的步数。",
)
class run_counts_its_own(A3CWorker):
    def run(self):
        steps = 0
        while steps < self.config.max_steps:
            self.sync()
            rollout = self.rollout()
            steps += len(rollout.rewards)
            self.update(rollout)


@mistake(
    "A3CWorker",
    en="run asks before each rollout whether there is anything left to do, also before the first.",
    zh="run 在每段采样之前都要检查是否还需继续，第一段之前也一样。",
)
class run_asks_too_late(A3CWorker):
    def run(self):
        while True:
            self.sync()
            self.update(self.rollout())
            if self.step_counter.value >= self.config.max_steps:
                break


@mistake(
    "A3CWorker",
    en="run plays one update and ends; it repeats until T reaches max_steps.",
    zh="run 只做了一次更新就结束；应重复到 T 达到 max_steps。",
)
class run_once(A3CWorker):
    def run(self):
        self.sync()
        self.update(self.rollout())


@mistake(
    "A3CWorker",
    en="run does not close the environment: it belongs to the caller.",
    zh="run 不应关闭环境：环境属于调用者。",
)
class run_closes_the_environment(A3CWorker):
    def run(self):
        super().run()
        self.env.close()


# --- LSTMA3CWorker --------------------------------------------------------------------------------------------------


class Memory(LSTMA3CWorker):
    """The reference's worker with a memory, each decision in a method of its own."""

    def before_rollout(self):
        pass

    def before_step(self, memory):
        return memory

    def after_rollout(self, memory, values_memory, terminated, truncated):
        return None if terminated or truncated else memory

    def evaluate(self, observations, memory):
        return self.local_model(observations, memory)

    def rollout(self):
        if self.observation is None:
            self.observation, _ = self.env.reset(seed=self.seed)
        self.before_rollout()
        observations, actions, rewards = [to_tensor(self.observation)], [], []
        memory, memory_at_start = self.memory, self.memory
        terminated = truncated = False
        while not (terminated or truncated or len(rewards) == self.config.t_max):
            with torch.no_grad():
                logits, _, memory = self.local_model(
                    observations[-1].unsqueeze(0), self.before_step(memory)
                )
            action = sample_action(logits.squeeze(0), self.generator)
            self.observation, reward, terminated, truncated, _ = self.env.step(action)
            with self.step_counter.get_lock():
                self.step_counter.value += 1
            observations.append(to_tensor(self.observation))
            actions.append(action)
            rewards.append(reward)
        logits, values, after = self.evaluate(torch.stack(observations), memory_at_start)
        self.memory = self.after_rollout(memory, after, terminated, truncated)
        if terminated or truncated:
            self.observation, _ = self.env.reset()
        log_policy = logits[:-1].log_softmax(dim=-1)
        return Rollout(
            log_policy.gather(1, torch.tensor(actions).unsqueeze(1)).squeeze(1),
            values[:-1],
            -(log_policy.exp() * log_policy).sum(dim=-1),
            torch.tensor(rewards, dtype=torch.float32),
            0.0 if terminated else values[-1].item(),
        )


@mistake(
    "LSTMA3CWorker",
    en="The memory of one episode leaks into the next: clear it when an episode ends.",
    zh="上一回合的记忆泄漏到了下一回合：回合结束时要清空。",
)
class never_forgets(Memory):
    def after_rollout(self, memory, values_memory, terminated, truncated):
        return memory


@mistake(
    "LSTMA3CWorker",
    en="The memory is cleared when an episode is truncated, too.",
    zh="回合被截断（truncated）时也要清空记忆。",
)
class remembers_over_truncation(Memory):
    def after_rollout(self, memory, values_memory, terminated, truncated):
        return None if terminated else memory


@mistake(
    "LSTMA3CWorker",
    en="A rollout that is cut at t_max does not end the episode: the memory is carried on.",
    zh="在 t_max 处截断的采样并没有结束回合：记忆要延续下去。",
)
class forgets_at_each_rollout(Memory):
    def before_rollout(self):
        self.memory = None


@mistake(
    "LSTMA3CWorker",
    en="The memory is handed from one step to the next; without it the LSTM sees each observation by itself.",
    zh="记忆要从一步传到下一步；否则 LSTM 只能孤立地看每个观测。",
)
class no_memory_while_acting(Memory):
    def before_step(self, memory):
        return None


@mistake(
    "LSTMA3CWorker",
    en="The bootstrap looks at the last observation once; if that memory is kept, the next rollout sees it twice.",
    zh="自举只看一次最后的观测；如果保留了这次的记忆，下一段采样会把该观测看两遍。",
)
class sees_the_last_observation_twice(Memory):
    def after_rollout(self, memory, values_memory, terminated, truncated):
        return None if terminated or truncated else tuple(part.detach() for part in values_memory)


@mistake(
    "LSTMA3CWorker",
    en="The gradient goes through the memory within the rollout; here it ends at every step.",
    zh="在一段采样之内梯度要通过记忆传播；这里在每一步都被截断了。",
)
class gradient_ends_at_every_step(Memory):
    def evaluate(self, observations, memory):
        logits, values = [], []
        for observation in observations:
            memory = memory and tuple(part.detach() for part in memory)
            logit, value, memory = self.local_model(observation.unsqueeze(0), memory)
            logits.append(logit)
            values.append(value)
        return torch.cat(logits), torch.cat(values), memory


@mistake(
    "LSTMA3CWorker",
    en="The memory is carried on as numbers: with its gradient the next update would go back into an earlier rollout.",
    zh="记忆只作为数值延续：若带着梯度，下一次更新会传回更早的采样。",
)
class memory_keeps_its_gradient(Memory):
    def after_rollout(self, memory, values_memory, terminated, truncated):
        return None if terminated or truncated else self.kept

    def evaluate(self, observations, memory):
        _, _, self.kept = self.local_model(observations[:-1], memory)
        return self.local_model(observations, memory)


@mistake(
    "LSTMA3CWorker",
    en="The rollout is evaluated with the memory that it started from, not with an empty one.",
    zh="计算整段采样时要用采样开始时的记忆，而不是空的记忆。",
)
class evaluates_without_memory(Memory):
    def evaluate(self, observations, memory):
        return self.local_model(observations, None)
