"""Known wrong answers to hw1, each with the idea that its author missed."""

from autograder.grading.variants import mistake

# --- action_log_probs ---------------------------------------------------------------------------


@mistake(
    "action_log_probs",
    en="The softmax runs over the batch; probabilities are normalised over the actions (last axis).",
    zh="softmax 是沿批次维计算的；概率应当在动作（最后一维）上归一化。",
)
def softmax_over_the_batch(logits, actions):
    log_policy = torch.log_softmax(logits, dim=0)
    return log_policy.gather(-1, actions.unsqueeze(-1)).squeeze(-1)


@mistake(
    "action_log_probs",
    en="The softmax runs over axis 1, which holds the actions only when there is one leading axis.",
    zh="softmax 是沿第 1 维计算的；只有前面恰好一个维度时，那里才是动作。",
)
def softmax_over_axis_one(logits, actions):
    log_policy = torch.log_softmax(logits, dim=1)
    return log_policy.gather(-1, actions.unsqueeze(-1)).squeeze(-1)


@mistake(
    "action_log_probs",
    en="exp of a huge logit overflows before the logarithm is taken: subtract log-sum-exp instead.",
    zh="很大的 logit 取 exp 时已经溢出：应直接减去 log-sum-exp。",
)
def log_of_exp_over_sum(logits, actions):
    policy = logits.exp() / logits.exp().sum(dim=-1, keepdim=True)
    return policy.log().gather(-1, actions.unsqueeze(-1)).squeeze(-1)


@mistake(
    "action_log_probs",
    en="A probability that rounds to 0 has a logarithm of −inf: use log-softmax.",
    zh="舍入为 0 的概率取对数得到 −inf：请使用 log-softmax。",
)
def log_of_softmax(logits, actions):
    policy = torch.softmax(logits, dim=-1)
    return policy.gather(-1, actions.unsqueeze(-1)).squeeze(-1).log()


@mistake(
    "action_log_probs",
    en="A small number inside the logarithm keeps it finite but wrong for improbable actions.",
    zh="在对数里加一个小数虽能避免无穷大，却使小概率动作的结果出错。",
)
def log_with_epsilon(logits, actions):
    policy = torch.softmax(logits, dim=-1)
    return (policy.gather(-1, actions.unsqueeze(-1)).squeeze(-1) + 1e-8).log()


@mistake(
    "action_log_probs",
    en="The maximum of the whole batch is subtracted; each state needs the maximum of its own row.",
    zh="减去的是整个批次的最大值；每个状态应减去自己那一行的最大值。",
)
def maximum_of_the_batch(logits, actions):
    shifted = logits - logits.max().detach()
    log_policy = shifted - shifted.exp().sum(dim=-1, keepdim=True).log()
    return log_policy.gather(-1, actions.unsqueeze(-1)).squeeze(-1)


@mistake(
    "action_log_probs",
    en="Clipped logits are other logits: values and gradients change where they are large.",
    zh="裁剪后的 logits 已经不同：数值较大处的结果和梯度都会改变。",
)
def clipped_logits(logits, actions):
    log_policy = torch.log_softmax(logits.clamp(-20.0, 20.0), dim=-1)
    return log_policy.gather(-1, actions.unsqueeze(-1)).squeeze(-1)


@mistake(
    "action_log_probs",
    en="An axis of size 1 is left over; it would broadcast later. Squeeze the axis that gather kept.",
    zh="结果多出一个大小为 1 的维度，之后会引起广播。请去掉 gather 留下的那一维。",
)
def axis_left_over(logits, actions):
    return torch.log_softmax(logits, dim=-1).gather(-1, actions.unsqueeze(-1))


@mistake(
    "action_log_probs",
    en="squeeze() without an axis removes every axis of size 1, also those of the batch.",
    zh="不带参数的 squeeze() 会去掉所有大小为 1 的维度，包括批次的维度。",
)
def squeezes_everything(logits, actions):
    return torch.log_softmax(logits, dim=-1).gather(-1, actions.unsqueeze(-1)).squeeze()


@mistake(
    "action_log_probs",
    en="Every row is indexed with every action; each state goes with its own action only.",
    zh="每一行都用了所有动作来索引；每个状态只应与自己的动作配对。",
)
def every_row_with_every_action(logits, actions):
    return torch.log_softmax(logits, dim=-1)[..., actions]


@mistake(
    "action_log_probs",
    en="This is the probability; the gradient of the policy needs its logarithm.",
    zh="这是概率本身；策略梯度需要的是它的对数。",
)
def probability(logits, actions):
    return torch.softmax(logits, dim=-1).gather(-1, actions.unsqueeze(-1)).squeeze(-1)


@mistake(
    "action_log_probs",
    en="The softmax is applied twice: probabilities are not logits.",
    zh="softmax 用了两次：概率不是 logits。",
)
def softmax_twice(logits, actions):
    policy = torch.softmax(logits, dim=-1)
    return torch.distributions.Categorical(logits=policy).log_prob(actions)


@mistake(
    "action_log_probs",
    en="The logits are unnormalised: log-sum-exp over the actions is missing.",
    zh="logits 没有归一化：缺少对动作的 log-sum-exp。",
)
def raw_logits(logits, actions):
    return logits.gather(-1, actions.unsqueeze(-1)).squeeze(-1)


@mistake(
    "action_log_probs",
    en="Cross-entropy is the negative log-probability.",
    zh="交叉熵是对数概率的相反数。",
)
def negative_log_probability(logits, actions):
    return -torch.log_softmax(logits, dim=-1).gather(-1, actions.unsqueeze(-1)).squeeze(-1)


@mistake(
    "action_log_probs",
    en="The normaliser is detached, so that only the chosen logit gets a gradient.",
    zh="归一化项被 detach 了，只有所选动作的 logit 得到梯度。",
)
def normaliser_detached(logits, actions):
    log_policy = logits - logits.logsumexp(dim=-1, keepdim=True).detach()
    return log_policy.gather(-1, actions.unsqueeze(-1)).squeeze(-1)


@mistake(
    "action_log_probs",
    en="The log-probabilities carry no gradient to the logits, so that nothing could be learnt.",
    zh="对数概率没有传回 logits 的梯度，什么也学不到。",
)
def log_probs_without_gradient(logits, actions):
    log_policy = torch.log_softmax(logits.detach(), dim=-1)
    return log_policy.gather(-1, actions.unsqueeze(-1)).squeeze(-1)


@mistake(
    "action_log_probs",
    en="one_hot without the number of actions guesses it from the actions that happened to be taken.",
    zh="one_hot 没有给出动作总数，它会根据出现过的动作去猜。",
)
def one_hot_guesses_the_number(logits, actions):
    chosen = torch.nn.functional.one_hot(actions).to(logits.dtype)
    return (torch.log_softmax(logits, dim=-1) * chosen).sum(dim=-1)


@mistake(
    "action_log_probs",
    en="These are the log-probabilities of the greedy actions, not of the actions taken.",
    zh="这是贪心动作的对数概率，而不是实际采取的动作的。",
)
def greedy_action(logits, actions):
    return torch.log_softmax(logits, dim=-1).max(dim=-1).values


@mistake(
    "action_log_probs",
    en="The mean over the batch is taken; one log-probability a state is asked for.",
    zh="对批次取了平均；题目要求每个状态一个对数概率。",
)
def mean_log_probability(logits, actions):
    return torch.log_softmax(logits, dim=-1).gather(-1, actions.unsqueeze(-1)).mean()


# --- trajectory_returns -------------------------------------------------------------------------


@mistake(
    "trajectory_returns",
    en="The padding was summed, too: only the steps where mask is True are real.",
    zh="把填充也加进去了：只有 mask 为 True 的步是真实的。",
)
def returns_of_padding(rewards, mask, gamma):
    return (rewards * gamma ** torch.arange(rewards.shape[1])).sum(dim=1)


@mistake(
    "trajectory_returns",
    en="The discount is missing.",
    zh="缺少折扣。",
)
def undiscounted(rewards, mask, gamma):
    return rewards.where(mask, 0.0).sum(dim=1)


@mistake(
    "trajectory_returns",
    en="Time counts from 0: the first reward is not discounted.",
    zh="时间从 0 开始：第一个奖励不打折扣。",
)
def discount_from_one(rewards, mask, gamma):
    steps = torch.arange(1, rewards.shape[1] + 1)
    return (rewards * gamma**steps).where(mask, 0.0).sum(dim=1)


@mistake(
    "trajectory_returns",
    en="The discount runs backwards: the *first* reward counts most.",
    zh="折扣的方向反了：*第一个*奖励的权重最大。",
)
def discount_from_the_end(rewards, mask, gamma):
    steps = torch.arange(rewards.shape[1]).flip(0)
    return (rewards * gamma**steps).where(mask, 0.0).sum(dim=1)


@mistake(
    "trajectory_returns",
    en="The discount runs backwards from each trajectory's last step: the *first* reward counts most.",
    zh="折扣从每条轨迹的最后一步往前算；应当是*第一个*奖励的权重最大。",
)
def discount_from_each_end(rewards, mask, gamma):
    steps = mask.sum(dim=1, keepdim=True) - 1 - torch.arange(rewards.shape[1])
    return torch.where(mask, rewards * gamma ** steps.clamp(min=0), 0.0).sum(dim=1)


@mistake(
    "trajectory_returns",
    en="A return is a sum over time, not a mean.",
    zh="回报是对时间求和，而不是求平均。",
)
def mean_over_time(rewards, mask, gamma):
    steps = torch.arange(rewards.shape[1])
    return (rewards * gamma**steps).where(mask, 0.0).sum(dim=1) / mask.sum(dim=1)


@mistake(
    "trajectory_returns",
    en="One return a trajectory: the sum runs over time (the last axis), not over the batch.",
    zh="每条轨迹一个回报：应当对时间（最后一维）求和，而不是对批次求和。",
)
def sum_over_the_batch(rewards, mask, gamma):
    return (rewards * gamma ** torch.arange(rewards.shape[1])).where(mask, 0.0).sum(dim=0)


@mistake(
    "trajectory_returns",
    en="The mean over the batch is taken; one return a trajectory is asked for.",
    zh="对批次取了平均；题目要求每条轨迹一个回报。",
)
def mean_return(rewards, mask, gamma):
    return (rewards * gamma ** torch.arange(rewards.shape[1])).where(mask, 0.0).sum(dim=1).mean()


@mistake(
    "trajectory_returns",
    en="An axis of size 1 is left over: (N,) is asked for, not (N, 1).",
    zh="结果多出一个大小为 1 的维度：要求 (N,)，而不是 (N, 1)。",
)
def returns_keep_an_axis(rewards, mask, gamma):
    discounts = gamma ** torch.arange(rewards.shape[1])
    return (rewards * discounts).where(mask, 0.0).sum(dim=1, keepdim=True)


@mistake(
    "trajectory_returns",
    en="A buffer of integers cuts the decimals off.",
    zh="整数缓冲区会丢掉小数部分。",
)
def integer_returns(rewards, mask, gamma):
    returns = torch.zeros(rewards.shape[0], dtype=torch.int64)
    for n in range(rewards.shape[0]):
        for t in range(int(mask[n].sum())):
            returns[n] += (gamma**t * rewards[n, t]).long()
    return returns.to(rewards.dtype)


@mistake(
    "trajectory_returns",
    en="The last real step is left out.",
    zh="漏掉了最后一个真实的步。",
)
def without_the_last_step(rewards, mask, gamma):
    discounts = gamma ** torch.arange(rewards.shape[1])
    last = mask.sum(dim=1, keepdim=True) - 1
    kept = torch.arange(rewards.shape[1]) < last
    return (rewards * discounts).where(kept, 0.0).sum(dim=1)


@mistake(
    "trajectory_returns",
    en="A reward of 0 does not end a trajectory; the mask does.",
    zh="奖励为 0 并不表示轨迹结束；结束由 mask 给出。",
)
def ends_at_a_zero_reward(rewards, mask, gamma):
    alive = (rewards * mask != 0).long().cumprod(dim=1).bool()
    return (rewards * gamma ** torch.arange(rewards.shape[1])).where(alive, 0.0).sum(dim=1)


@mistake(
    "trajectory_returns",
    en="The rewards of the caller are overwritten: work on a copy.",
    zh="改写了调用者的 rewards：请在副本上操作。",
)
def returns_change_rewards(rewards, mask, gamma):
    rewards[~mask] = 0.0
    return (rewards * gamma ** torch.arange(rewards.shape[1])).to(rewards.dtype).sum(dim=1)


# --- rewards_to_go ------------------------------------------------------------------------------


@mistake(
    "rewards_to_go",
    en="The discount restarts at t: the exponent is t'−t, not t'.",
    zh="折扣从 t 重新开始：指数是 t'−t，而不是 t'。",
)
def discount_from_zero(rewards, mask, gamma):
    discounted = (rewards * gamma ** torch.arange(rewards.shape[1])).where(mask, 0.0)
    return (discounted.flip(1).cumsum(dim=1).flip(1) * mask).to(rewards.dtype)


@mistake(
    "rewards_to_go",
    en="The list was built from the end and never turned round.",
    zh="列表是从末尾开始构造的，没有再反转回来。",
)
def never_turned_round(rewards, mask, gamma):
    future, collected = torch.zeros_like(rewards[:, 0]), []
    for t in reversed(range(rewards.shape[1])):
        future = rewards[:, t].where(mask[:, t], 0.0) + gamma * future
        collected.append(future)
    return torch.stack(collected, dim=1)


@mistake(
    "rewards_to_go",
    en="The list was built from the end and never turned round.",
    zh="列表是从末尾开始构造的，没有再反转回来。",
)
def masked_but_never_turned_round(rewards, mask, gamma):
    future, collected = torch.zeros_like(rewards[:, 0]), []
    for t in reversed(range(rewards.shape[1])):
        future = rewards[:, t].where(mask[:, t], 0.0) + gamma * future
        collected.append(future)
    return torch.stack(collected, dim=1).where(mask, 0.0)


@mistake(
    "rewards_to_go",
    en="A reward of 0 is taken for padding; only the mask says what is real.",
    zh="把为 0 的奖励当成了填充；哪些步是真实的只由 mask 决定。",
)
def padding_guessed_from_rewards(rewards, mask, gamma):
    to_go, future = torch.zeros_like(rewards), torch.zeros_like(rewards[:, 0])
    for t in reversed(range(rewards.shape[1])):
        future = rewards[:, t].where(mask[:, t], 0.0) + gamma * future
        to_go[:, t] = future
    return to_go.where(mask & (rewards != 0), 0.0)


@mistake(
    "rewards_to_go",
    en="This is the total return at every step; what was earned before t can't be the action's doing.",
    zh="每一步都用了总回报；t 之前得到的奖励与该动作无关（因果性）。",
)
def total_return_everywhere(rewards, mask, gamma):
    total = (rewards * gamma ** torch.arange(rewards.shape[1])).where(mask, 0.0).sum(dim=1)
    return (total.unsqueeze(1) * mask).to(rewards.dtype)


@mistake(
    "rewards_to_go",
    en="The sum runs over the past; what is still to come counts.",
    zh="求和求的是过去；应当计算将来的奖励。",
)
def rewards_so_far(rewards, mask, gamma):
    past, collected = torch.zeros_like(rewards[:, 0]), []
    for t in range(rewards.shape[1]):
        past = rewards[:, t].where(mask[:, t], 0.0) + gamma * past
        collected.append(past * mask[:, t])
    return torch.stack(collected, dim=1)


@mistake(
    "rewards_to_go",
    en="The recursion reads the next *reward*, not the next return: nothing is summed beyond one step.",
    zh="递推读取的是下一个*奖励*而不是下一步的回报，只累加了一步。",
)
def reads_the_next_reward(rewards, mask, gamma):
    rewards = rewards.where(mask, 0.0)
    return rewards + gamma * torch.nn.functional.pad(rewards[:, 1:], (0, 1))


@mistake(
    "rewards_to_go",
    en="The reward at t itself is missing: the sum starts at t' = t.",
    zh="漏掉了 t 时刻的奖励：求和从 t' = t 开始。",
)
def without_the_own_reward(rewards, mask, gamma):
    rewards = rewards.where(mask, 0.0)
    returns, future = torch.zeros_like(rewards), torch.zeros_like(rewards[:, 0])
    for t in reversed(range(rewards.shape[1])):
        returns[:, t] = future
        future = rewards[:, t] + gamma * future
    return returns * mask


@mistake(
    "rewards_to_go",
    en="The rewards are discounted but never summed.",
    zh="奖励打了折扣，却没有求和。",
)
def discounted_but_not_summed(rewards, mask, gamma):
    return (rewards * gamma ** torch.arange(rewards.shape[1])).where(mask, 0.0)


@mistake(
    "rewards_to_go",
    en="The discount is missing.",
    zh="缺少折扣。",
)
def to_go_undiscounted(rewards, mask, gamma):
    return rewards.where(mask, 0.0).flip(1).cumsum(dim=1).flip(1) * mask


@mistake(
    "rewards_to_go",
    en="The padding's rewards leak into the real steps: a trajectory earns nothing after its end.",
    zh="填充处的奖励混入了真实的步：轨迹结束之后不再有奖励。",
)
def padding_leaks_in(rewards, mask, gamma):
    future, collected = torch.zeros_like(rewards[:, 0]), []
    for t in reversed(range(rewards.shape[1])):
        future = rewards[:, t] + gamma * future
        collected.append(future * mask[:, t])
    return torch.stack(collected[::-1], dim=1)


@mistake(
    "rewards_to_go",
    en="The mask is not used: the padding is not 0, and its rewards leak into the real steps.",
    zh="没有使用掩码：填充处不为 0，其奖励还混入了真实的步。",
)
def to_go_without_mask(rewards, mask, gamma):
    future, collected = torch.zeros_like(rewards[:, 0]), []
    for t in reversed(range(rewards.shape[1])):
        future = rewards[:, t] + gamma * future
        collected.append(future)
    return torch.stack(collected[::-1], dim=1)


@mistake(
    "rewards_to_go",
    en="The sum runs on from one trajectory into the next: start from 0 in each row.",
    zh="求和从一条轨迹延续到了另一条：每一行都应从 0 开始。",
)
def across_trajectories(rewards, mask, gamma):
    returns, future = torch.zeros_like(rewards), 0.0
    for n in reversed(range(rewards.shape[0])):
        for t in reversed(range(int(mask[n].sum()))):
            future = rewards[n, t] + gamma * future
            returns[n, t] = future
    return returns


@mistake(
    "rewards_to_go",
    en="On padding the result is 0.",
    zh="填充处的结果应为 0。",
)
def padding_not_zero(rewards, mask, gamma):
    future, collected = torch.zeros_like(rewards[:, 0]), []
    for t in reversed(range(rewards.shape[1])):
        future = rewards[:, t].where(mask[:, t], 0.0) + gamma * future
        collected.append(future)
    return torch.stack(collected[::-1], dim=1).where(mask, rewards)


@mistake(
    "rewards_to_go",
    en="γ to the power of t is divided by, which is 0 in float32 on long trajectories (and when γ = 0).",
    zh="计算中除以了 γ 的 t 次方；轨迹很长（或 γ = 0）时它在 float32 下等于 0。",
)
def divided_by_the_discount(rewards, mask, gamma):
    discounts = gamma ** torch.arange(rewards.shape[1], dtype=rewards.dtype)
    discounted = (rewards * discounts).where(mask, 0.0)
    return (discounted.flip(1).cumsum(dim=1).flip(1) / discounts).where(mask, 0.0)


@mistake(
    "rewards_to_go",
    en="A buffer of integers cuts the decimals off.",
    zh="整数缓冲区会丢掉小数部分。",
)
def integer_buffer(rewards, mask, gamma):
    returns = torch.zeros(rewards.shape, dtype=torch.int64)
    future = torch.zeros_like(rewards[:, 0])
    for t in reversed(range(rewards.shape[1])):
        future = rewards[:, t].where(mask[:, t], 0.0) + gamma * future
        returns[:, t] = future
    return returns.to(rewards.dtype)


@mistake(
    "rewards_to_go",
    en="The rewards of the caller are overwritten: work on a copy.",
    zh="改写了调用者的 rewards：请在副本上操作。",
)
def to_go_changes_rewards(rewards, mask, gamma):
    rewards *= mask
    for t in reversed(range(rewards.shape[1] - 1)):
        rewards[:, t] += gamma * rewards[:, t + 1]
    return rewards


@mistake(
    "rewards_to_go",
    en="Standardised returns are other returns; nothing of the kind was asked for here.",
    zh="标准化之后的回报已经不同；此处并未要求标准化。",
)
def standardised(rewards, mask, gamma):
    rewards = rewards.where(mask, 0.0)
    returns, future = torch.zeros_like(rewards), torch.zeros_like(rewards[:, 0])
    for t in reversed(range(rewards.shape[1])):
        future = rewards[:, t] + gamma * future
        returns[:, t] = future
    real = returns[mask]
    return ((returns - real.mean()) / (real.std(correction=0) + 1e-8)).where(mask, 0.0)


# --- policy_gradient_loss -----------------------------------------------------------------------


@mistake(
    "policy_gradient_loss",
    en="Optimisers descend, but J is to be climbed: the loss is −J.",
    zh="优化器做的是下降，而 J 要上升：损失是 −J。",
)
def wrong_sign(log_probs, weights, mask):
    return (log_probs * weights.detach()).where(mask, 0.0).sum() / log_probs.shape[0]


@mistake(
    "policy_gradient_loss",
    en="The sum over time is divided by the number of trajectories N, not by the number of steps.",
    zh="对时间求和后应除以轨迹数 N，而不是总步数。",
)
def mean_over_steps(log_probs, weights, mask):
    return -(log_probs * weights.detach())[mask].mean()


@mistake(
    "policy_gradient_loss",
    en="The mean runs over N·T entries, padding included; the divisor is the number of trajectories.",
    zh="对包括填充在内的 N·T 个元素取了平均；除数应为轨迹数。",
)
def mean_over_entries(log_probs, weights, mask):
    return -(log_probs * weights.detach() * mask).mean()


@mistake(
    "policy_gradient_loss",
    en="Each trajectory is averaged over its own length; the lecture sums over time.",
    zh="每条轨迹按自己的长度取了平均；课程中是对时间求和。",
)
def mean_of_each_trajectory(log_probs, weights, mask):
    sums = (log_probs * weights.detach()).where(mask, 0.0).sum(dim=1)
    return -(sums / mask.sum(dim=1)).mean()


@mistake(
    "policy_gradient_loss",
    en="Divide by the number of trajectories N.",
    zh="还要除以轨迹数 N。",
)
def sum_over_everything(log_probs, weights, mask):
    return -(log_probs * weights.detach()).where(mask, 0.0).sum()


@mistake(
    "policy_gradient_loss",
    en="Divide by the number of trajectories N, not by the longest length T.",
    zh="应除以轨迹数 N，而不是最大长度 T。",
)
def divided_by_time(log_probs, weights, mask):
    return -(log_probs * weights.detach()).where(mask, 0.0).sum() / log_probs.shape[1]


@mistake(
    "policy_gradient_loss",
    en="The weights still carry a gradient: whatever computed them would be trained, too.",
    zh="权重仍带有梯度：计算权重的网络也会被训练。",
)
def weights_keep_their_gradient(log_probs, weights, mask):
    return -(log_probs * weights).where(mask, 0.0).sum() / log_probs.shape[0]


@mistake(
    "policy_gradient_loss",
    en="The padding counts: only the steps where mask is True are real.",
    zh="填充也算进去了：只有 mask 为 True 的步是真实的。",
)
def ignores_the_mask(log_probs, weights, mask):
    return -(log_probs * weights.detach()).sum(dim=1).mean()


@mistake(
    "policy_gradient_loss",
    en="Every step is paired with every weight; a step goes with its own weight only.",
    zh="每一步与所有权重配了对；每一步只应与自己的权重相乘。",
)
def every_step_with_every_weight(log_probs, weights, mask):
    log_probs, weights = log_probs[mask], weights.detach()[mask]
    return -(log_probs * weights[:, None]).sum() / mask.shape[0]


@mistake(
    "policy_gradient_loss",
    en="Sum of products, not product of sums: each step has its own weight.",
    zh="应当是乘积之和，而不是和之积：每一步有自己的权重。",
)
def product_of_sums(log_probs, weights, mask):
    total = weights.detach().where(mask, 0.0).sum(dim=1)
    return -(log_probs.where(mask, 0.0).sum(dim=1) * total).mean()


@mistake(
    "policy_gradient_loss",
    en="A mean log-likelihood times a mean weight: the weights no longer belong to their steps.",
    zh="平均对数似然乘以平均权重：权重不再与各步对应。",
)
def mean_times_mean(log_probs, weights, mask):
    likelihood = log_probs.where(mask, 0.0).sum() / mask.shape[0]
    return -likelihood * weights.detach()[mask].mean()


@mistake(
    "policy_gradient_loss",
    en="The probability is weighted in place of its logarithm: ∇π is not ∇log π.",
    zh="加权的是概率而不是它的对数：∇π 不等于 ∇log π。",
)
def weighted_probability(log_probs, weights, mask):
    return -(log_probs.exp() * weights.detach()).where(mask, 0.0).sum() / log_probs.shape[0]


@mistake(
    "policy_gradient_loss",
    en="The weights are used as given; centring them is the business of a baseline.",
    zh="权重应原样使用；减去均值是基线的事。",
)
def centred_weights(log_probs, weights, mask):
    weights = weights.detach() - weights.detach()[mask].mean()
    return -(log_probs * weights).where(mask, 0.0).sum() / log_probs.shape[0]


@mistake(
    "policy_gradient_loss",
    en="The weights are used as given; here they were standardised.",
    zh="权重应原样使用；这里却做了标准化。",
)
def standardised_weights(log_probs, weights, mask):
    real = weights.detach()[mask]
    weights = (weights.detach() - real.mean()) / (real.std(correction=0) + 1e-8)
    return -(log_probs * weights).where(mask, 0.0).sum() / log_probs.shape[0]


@mistake(
    "policy_gradient_loss",
    en="The weights are used as given; here they were standardised (with the divisor n − 1).",
    zh="权重应原样使用；这里却做了标准化（除数为 n − 1）。",
)
def standardised_weights_unbiased(log_probs, weights, mask):
    real = weights.detach()[mask]
    deviation = real.std() if real.numel() > 1 else 1.0
    weights = (weights.detach() - real.mean()) / (deviation + 1e-8)
    return -(log_probs * weights).where(mask, 0.0).sum() / log_probs.shape[0]


@mistake(
    "policy_gradient_loss",
    en="The gradient is right, but the value is not that of the loss: log π is asked for, not a "
    "ratio that is always 1.",
    zh="梯度正确，但损失的数值不对：要求的是 log π，而不是恒为 1 的比值。",
)
def ratio_of_one(log_probs, weights, mask):
    ratio = (log_probs - log_probs.detach()).exp()
    return -(ratio * weights.detach()).where(mask, 0.0).sum() / log_probs.shape[0]


@mistake(
    "policy_gradient_loss",
    en="The log-probabilities were detached: nothing is left to learn from.",
    zh="对数概率被 detach 了：没有可供学习的梯度。",
)
def log_probs_detached(log_probs, weights, mask):
    return -(log_probs.detach() * weights).where(mask, 0.0).sum() / log_probs.shape[0]


@mistake(
    "policy_gradient_loss",
    en="The loss is a tensor that carries the gradient, not a Python number.",
    zh="损失应是带梯度的张量，而不是 Python 数。",
)
def loss_as_a_number(log_probs, weights, mask):
    return (-(log_probs * weights).where(mask, 0.0).sum() / log_probs.shape[0]).item()


@mistake(
    "policy_gradient_loss",
    en="One loss for the batch: take the mean over the trajectories.",
    zh="整个批次只有一个损失：还要对轨迹取平均。",
)
def one_loss_a_trajectory(log_probs, weights, mask):
    return -(log_probs * weights.detach()).where(mask, 0.0).sum(dim=1)


@mistake(
    "policy_gradient_loss",
    en="Only the first step of each trajectory is used.",
    zh="只用到了每条轨迹的第一步。",
)
def first_step_only(log_probs, weights, mask):
    return -(log_probs * weights.detach())[:, 0].mean()


# --- batch_mean_baseline ------------------------------------------------------------------------


@mistake(
    "batch_mean_baseline",
    en="Return the baseline itself; the caller subtracts it.",
    zh="应返回基线本身，由调用者去减。",
)
def already_subtracted(returns):
    return returns - returns.mean()


@mistake(
    "batch_mean_baseline",
    en="The mean is repeated N times: one entry a trajectory.",
    zh="平均值要重复 N 次：每条轨迹一个。",
)
def a_single_number(returns):
    return returns.mean()


@mistake(
    "batch_mean_baseline",
    en="The result is (N,), not (N, 1): a subtraction would broadcast to (N, N).",
    zh="结果应为 (N,) 而不是 (N, 1)：相减时会广播成 (N, N)。",
)
def a_column(returns):
    return returns.mean().repeat(returns.shape[0], 1)


@mistake(
    "batch_mean_baseline",
    en="This is the sum of the returns, not their mean.",
    zh="这是回报之和，而不是平均值。",
)
def sum_of_returns(returns):
    return returns.sum().repeat(returns.shape[0])


@mistake(
    "batch_mean_baseline",
    en="The divisor of a mean is N, not N − 1.",
    zh="平均值的除数是 N，而不是 N − 1。",
)
def divided_by_n_minus_one(returns):
    n = returns.shape[0]
    return (returns.sum() / max(n - 1, 1)).repeat(n)


@mistake(
    "batch_mean_baseline",
    en="The mean of the *other* trajectories (leave-one-out) is another baseline than the one asked for.",
    zh="这是*其余*轨迹的平均值（留一法），与题目要求的基线不同。",
)
def leave_one_out(returns):
    n = returns.shape[0]
    return (returns.sum() - returns) / max(n - 1, 1)


@mistake(
    "batch_mean_baseline",
    en="This is the median, not the mean.",
    zh="这是中位数，而不是平均值。",
)
def median(returns):
    return returns.median().repeat(returns.shape[0])


@mistake(
    "batch_mean_baseline",
    en="This is the largest return, not the mean: every weight would be negative.",
    zh="这是最大的回报而不是平均值：所有权重都会变成负的。",
)
def best_return(returns):
    return returns.max().repeat(returns.shape[0])


@mistake(
    "batch_mean_baseline",
    en="This is the middle of the range, not the mean.",
    zh="这是最大值与最小值的中点，而不是平均值。",
)
def middle_of_the_range(returns):
    return ((returns.max() + returns.min()) / 2).repeat(returns.shape[0])


@mistake(
    "batch_mean_baseline",
    en="The mean so far changes along the batch; the mean of the whole batch is asked for.",
    zh="这是到当前为止的平均值；题目要求整个批次的平均值。",
)
def mean_so_far(returns):
    return returns.cumsum(dim=0) / torch.arange(1, returns.shape[0] + 1, dtype=returns.dtype)


@mistake(
    "batch_mean_baseline",
    en="The returns are given back unchanged: their mean is asked for.",
    zh="原样返回了回报；题目要求的是平均值。",
)
def returns_themselves(returns):
    return returns.clone()


@mistake(
    "batch_mean_baseline",
    en="The caller's returns are overwritten: make a new tensor.",
    zh="改写了调用者的 returns：请新建一个张量。",
)
def overwrites_the_returns(returns):
    returns[:] = returns.mean()
    return returns


@mistake(
    "batch_mean_baseline",
    en="The caller's returns were centred in place on the way: −= changes an argument.",
    zh="计算时就地修改了调用者的 returns：-= 会改变参数。",
)
def centres_in_place(returns):
    mean = returns.mean()
    returns -= mean
    return mean.repeat(returns.shape[0])


@mistake(
    "batch_mean_baseline",
    en="The mean is divided by the standard deviation; only the mean is asked for.",
    zh="平均值又除以了标准差；题目只要求平均值。",
)
def divided_by_the_deviation(returns):
    mean = returns.mean() / (returns.std(correction=0) + 1e-8)
    return mean.repeat(returns.shape[0])


@mistake(
    "batch_mean_baseline",
    en="Only the mean of the absolute returns is taken: the sign of a return counts.",
    zh="对回报取了绝对值再平均：回报的正负号是有意义的。",
)
def mean_of_sizes(returns):
    return returns.abs().mean().repeat(returns.shape[0])


# --- RunningMeanBaseline ------------------------------------------------------------------------


@mistake(
    "RunningMeanBaseline",
    en="This is the mean of the batches' means; each *return* counts once, whatever its batch.",
    zh="这是各批次平均值的平均；应当每个*回报*只算一次，与批次无关。",
)
class MeanOfMeans:
    def __init__(self):
        self.value, self.batches = 0.0, 0

    def update(self, returns):
        self.batches += 1
        self.value += (returns.mean().item() - self.value) / self.batches


@mistake(
    "RunningMeanBaseline",
    en="Only the last batch is remembered.",
    zh="只记住了最后一个批次。",
)
class LastBatch:
    def __init__(self):
        self.value = 0.0

    def update(self, returns):
        self.value = returns.mean().item()


@mistake(
    "RunningMeanBaseline",
    en="An exponential average forgets old returns; the mean of all of them is asked for.",
    zh="指数滑动平均会遗忘旧的回报；题目要求全部回报的平均值。",
)
class ExponentialAverage:
    def __init__(self):
        self.value = 0.0

    def update(self, returns):
        self.value = 0.9 * self.value + 0.1 * returns.mean().item()


@mistake(
    "RunningMeanBaseline",
    en="An exponential average forgets old returns, also when it starts at the first batch's mean.",
    zh="即使从第一个批次的平均值开始，指数滑动平均仍会遗忘旧的回报。",
)
class ExponentialAverageFromFirst:
    def __init__(self):
        self.value, self.started = 0.0, False

    def update(self, returns):
        mean = returns.mean().item()
        self.value = 0.9 * self.value + 0.1 * mean if self.started else mean
        self.started = True


@mistake(
    "RunningMeanBaseline",
    en="The 0.0 from before the first update is counted as if it were a return.",
    zh="把第一次更新之前的 0.0 也当作一个回报计入了。",
)
class CountsTheStart:
    def __init__(self):
        self.value, self.count = 0.0, 1

    def update(self, returns):
        for one in returns.tolist():
            self.count += 1
            self.value += (one - self.value) / self.count


@mistake(
    "RunningMeanBaseline",
    en="The sum of all returns is divided by the number of batches, not of returns.",
    zh="全部回报之和除以了批次数，而不是回报的个数。",
)
class DividedByBatches:
    def __init__(self):
        self.value, self.total, self.batches = 0.0, 0.0, 0

    def update(self, returns):
        self.total += returns.sum().item()
        self.batches += 1
        self.value = self.total / self.batches


@mistake(
    "RunningMeanBaseline",
    en="This is the sum of all returns, not their mean.",
    zh="这是全部回报之和，而不是平均值。",
)
class RunningSum:
    def __init__(self):
        self.value = 0.0

    def update(self, returns):
        self.value += returns.sum().item()


@mistake(
    "RunningMeanBaseline",
    en="Old and new mean are averaged half and half; each must count with its number of returns.",
    zh="新旧平均值各取一半；它们应按各自的回报个数加权。",
)
class HalfAndHalf:
    def __init__(self):
        self.value, self.started = 0.0, False

    def update(self, returns):
        mean = returns.mean().item()
        self.value = (self.value + mean) / 2 if self.started else mean
        self.started = True


@mistake(
    "RunningMeanBaseline",
    en="Sum and count are kept in the class, so that all baselines share them: keep them in self.",
    zh="总和与个数存放在类里，所有对象共享：应存放在 self 中。",
)
class SharedByAll:
    total, count = 0.0, 0

    def update(self, returns):
        SharedByAll = type(self)
        SharedByAll.total += returns.double().sum().item()
        SharedByAll.count += returns.numel()

    @property
    def value(self):
        return self.total / self.count if self.count else 0.0


@mistake(
    "RunningMeanBaseline",
    en="Before the first return the value is 0.0, not a division by zero.",
    zh="第一个回报之前，value 应为 0.0，而不是除以零。",
)
class NothingBeforeTheFirst:
    def __init__(self):
        self.history = torch.zeros(0, dtype=torch.float64)

    def update(self, returns):
        self.history = torch.cat([self.history, returns])

    @property
    def value(self):
        return self.history.mean().item()


@mistake(
    "RunningMeanBaseline",
    en="Before the first return the value is the number 0.0, not None.",
    zh="第一个回报之前，value 应为数 0.0，而不是 None。",
)
class NoneBeforeTheFirst:
    def __init__(self):
        self.value, self.total, self.count = None, 0.0, 0

    def update(self, returns):
        self.total += returns.double().sum().item()
        self.count += returns.numel()
        self.value = self.total / self.count


@mistake(
    "RunningMeanBaseline",
    en="`value` is read like an attribute; make the method a @property.",
    zh="value 要像属性那样读取：请给该方法加上 @property。",
)
class ValueIsAMethod:
    def __init__(self):
        self.total, self.count = 0.0, 0

    def update(self, returns):
        self.total += returns.double().sum().item()
        self.count += returns.numel()

    def value(self):
        return self.total / self.count if self.count else 0.0


@mistake(
    "RunningMeanBaseline",
    en="Only the first return of each batch is recorded.",
    zh="每个批次只记录了第一个回报。",
)
class FirstOfEachBatch:
    def __init__(self):
        self.value, self.total, self.count = 0.0, 0.0, 0

    def update(self, returns):
        self.total += returns[0].item()
        self.count += 1
        self.value = self.total / self.count


@mistake(
    "RunningMeanBaseline",
    en="The count is updated before the old mean is weighted with it: old returns count too much.",
    zh="先更新了个数，再用它给旧平均值加权：旧回报的权重过大。",
)
class CountTooEarly:
    def __init__(self):
        self.value, self.count = 0.0, 0

    def update(self, returns):
        self.count += returns.numel()
        weighted = self.value * self.count + returns.double().sum().item()
        self.value = weighted / (self.count + returns.numel())


@mistake(
    "RunningMeanBaseline",
    en="A window of the latest returns forgets the older ones.",
    zh="只保留最近若干回报的窗口会遗忘更早的回报。",
)
class Window:
    def __init__(self):
        self.value, self.latest = 0.0, []

    def update(self, returns):
        self.latest = (self.latest + returns.tolist())[-10:]
        self.value = sum(self.latest) / len(self.latest)


@mistake(
    "RunningMeanBaseline",
    en="A window of the latest returns forgets the older ones.",
    zh="只保留最近若干回报的窗口会遗忘更早的回报。",
)
class WindowOfThousand:
    def __init__(self):
        self.value, self.latest = 0.0, []

    def update(self, returns):
        self.latest = (self.latest + returns.tolist())[-1000:]
        self.value = sum(self.latest) / len(self.latest)


@mistake(
    "RunningMeanBaseline",
    en="Returns of 0 are left out of the count, but they are returns, too.",
    zh="计数时漏掉了为 0 的回报，但它们也是回报。",
)
class SkipsZeros:
    def __init__(self):
        self.total, self.count, self.value = 0.0, 0, 0.0

    def update(self, returns):
        self.total += returns.double().sum().item()
        self.count += int(returns.count_nonzero())
        self.value = self.total / max(self.count, 1)


# --- value_baseline_loss ------------------------------------------------------------------------


@mistake(
    "value_baseline_loss",
    en="The ½ of the lecture's objective is missing.",
    zh="缺少课程目标函数中的 ½。",
)
def without_half(values, targets, mask):
    return (targets.detach() - values)[mask].square().mean()


@mistake(
    "value_baseline_loss",
    en="The mean over the real steps is asked for, not the sum.",
    zh="题目要求对真实的步取平均，而不是求和。",
)
def sum_of_errors(values, targets, mask):
    return 0.5 * (targets.detach() - values)[mask].square().sum()


@mistake(
    "value_baseline_loss",
    en="Here the divisor is the number of real steps, not of trajectories.",
    zh="此处的除数是真实的步数，而不是轨迹数。",
)
def divided_by_trajectories(values, targets, mask):
    return 0.5 * (targets.detach() - values)[mask].square().sum() / values.shape[0]


@mistake(
    "value_baseline_loss",
    en="The divisor counts the padding, too: N·T instead of the number of real steps.",
    zh="除数把填充也算进去了：用了 N·T，而不是真实的步数。",
)
def divided_by_entries(values, targets, mask):
    return 0.5 * (targets.detach() - values).where(mask, 0.0).square().mean()


@mistake(
    "value_baseline_loss",
    en="A mean of each trajectory's mean lets steps of short trajectories count more.",
    zh="先对每条轨迹取平均再平均，会使短轨迹的步权重过大。",
)
def mean_of_means(values, targets, mask):
    squares = (targets.detach() - values).square().where(mask, 0.0)
    return 0.5 * (squares.sum(dim=1) / mask.sum(dim=1)).mean()


@mistake(
    "value_baseline_loss",
    en="The padding counts: only the steps where mask is True are real.",
    zh="填充也算进去了：只有 mask 为 True 的步是真实的。",
)
def value_loss_without_mask(values, targets, mask):
    return 0.5 * (targets.detach() - values).square().mean()


@mistake(
    "value_baseline_loss",
    en="The padding is in the sum although the divisor leaves it out.",
    zh="除数排除了填充，求和时却包含了填充。",
)
def mask_in_the_divisor_only(values, targets, mask):
    return 0.5 * (targets.detach() - values).square().sum() / mask.sum()


@mistake(
    "value_baseline_loss",
    en="The targets still carry a gradient: the values should move to the targets, not both.",
    zh="targets 仍带有梯度：应当让价值靠近目标，而不是两者一起动。",
)
def targets_keep_their_gradient(values, targets, mask):
    return 0.5 * (targets - values)[mask].square().mean()


@mistake(
    "value_baseline_loss",
    en="The values were detached in place of the targets: nothing would be fitted.",
    zh="detach 的是 values 而不是 targets：什么也拟合不了。",
)
def values_detached(values, targets, mask):
    return 0.5 * (targets - values.detach())[mask].square().mean()


@mistake(
    "value_baseline_loss",
    en="The square is missing: this is the mean absolute error.",
    zh="缺少平方：这是平均绝对误差。",
)
def absolute_error(values, targets, mask):
    return 0.5 * (targets.detach() - values)[mask].abs().mean()


@mistake(
    "value_baseline_loss",
    en="The Huber loss equals ½·error² only for small errors.",
    zh="Huber 损失只在误差较小时等于 ½·误差²。",
)
def huber(values, targets, mask):
    return torch.nn.functional.smooth_l1_loss(values[mask], targets.detach()[mask])


@mistake(
    "value_baseline_loss",
    en="The root of the mean square has another gradient; no root is asked for.",
    zh="均方根的梯度不同；题目没有要求开方。",
)
def root_mean_square(values, targets, mask):
    return 0.5 * (targets.detach() - values)[mask].square().mean().sqrt()


@mistake(
    "value_baseline_loss",
    en="The mean is squared; the mean of the squares is asked for.",
    zh="先平均再平方了；应当先平方再平均。",
)
def square_of_the_mean(values, targets, mask):
    return 0.5 * (targets.detach() - values)[mask].mean().square()


@mistake(
    "value_baseline_loss",
    en="Every value is compared with every target; a value goes with its own target only.",
    zh="每个价值与所有目标作了比较；每个价值只应对应自己的目标。",
)
def every_value_with_every_target(values, targets, mask):
    values, targets = values[mask], targets.detach()[mask]
    return 0.5 * (targets[:, None] - values).square().mean()


@mistake(
    "value_baseline_loss",
    en="One loss for the batch is asked for, not one a step.",
    zh="要求整个批次一个损失，而不是每一步一个。",
)
def one_loss_a_step(values, targets, mask):
    return 0.5 * (targets.detach() - values).square().where(mask, 0.0)


@mistake(
    "value_baseline_loss",
    en="The error has the wrong sign outside of the square: this loss is to be descended.",
    zh="平方之外多了负号：这个损失是要下降的。",
)
def negative_value_loss(values, targets, mask):
    return -0.5 * (targets.detach() - values)[mask].square().mean()


# --- optimal_baseline ---------------------------------------------------------------------------


@mistake(
    "optimal_baseline",
    en="The plain mean ignores how large each trajectory's score is.",
    zh="普通平均值没有考虑每条轨迹得分的大小。",
)
def plain_mean(score_norms_squared, returns):
    return returns.mean()


@mistake(
    "optimal_baseline",
    en="The weights are g², not g: the argument is squared already.",
    zh="权重是 g² 而不是 g：参数已经平方过了。",
)
def weights_of_the_norm(score_norms_squared, returns):
    norms = score_norms_squared.sqrt()
    return (norms * returns).sum() / norms.sum()


@mistake(
    "optimal_baseline",
    en="The squared norms were squared once more.",
    zh="已经平方的范数又平方了一次。",
)
def squared_again(score_norms_squared, returns):
    weights = score_norms_squared.square()
    return (weights * returns).sum() / weights.sum()


@mistake(
    "optimal_baseline",
    en="Divide by Σ g², so that the weights sum to 1.",
    zh="应除以 Σ g²，使权重之和为 1。",
)
def not_normalised(score_norms_squared, returns):
    return (score_norms_squared * returns).mean()


@mistake(
    "optimal_baseline",
    en="Σ g² belongs below the line: the ratio is upside down.",
    zh="Σ g² 应在分母：比值颠倒了。",
)
def upside_down(score_norms_squared, returns):
    return score_norms_squared.sum() / (score_norms_squared * returns).sum()


@mistake(
    "optimal_baseline",
    en="Large scores must count more, not less: weight by g², not by 1/g².",
    zh="得分大的轨迹权重应更大：用 g² 加权，而不是 1/g²。",
)
def inverse_weights(score_norms_squared, returns):
    return (returns / score_norms_squared).sum() / (1 / score_norms_squared).sum()


@mistake(
    "optimal_baseline",
    en="One constant for the whole batch is asked for, not one a trajectory.",
    zh="要求整个批次一个常数，而不是每条轨迹一个。",
)
def one_a_trajectory(score_norms_squared, returns):
    return score_norms_squared * returns / score_norms_squared.sum()


@mistake(
    "optimal_baseline",
    en="This is the covariance of g² and R, not the average of R weighted by g².",
    zh="这是 g² 与 R 的协方差，而不是以 g² 加权的 R 的平均。",
)
def covariance(score_norms_squared, returns):
    return (score_norms_squared * (returns - returns.mean())).mean()


@mistake(
    "optimal_baseline",
    en="The divisor is Σ g², not Σ R.",
    zh="分母是 Σ g²，而不是 Σ R。",
)
def divided_by_returns(score_norms_squared, returns):
    return (score_norms_squared * returns).sum() / returns.sum()
