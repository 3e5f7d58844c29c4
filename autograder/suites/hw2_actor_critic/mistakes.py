"""Known mistakes of homework 2: each overrides one answer of the reference."""

from autograder.grading.variants import mistake

# --- td_targets ---------------------------------------------------------------------------------


@mistake(
    "td_targets",
    en="A terminated step has nothing after it: V(s') must be left out there.",
    zh="终止步之后什么都没有：此处不应加上 V(s')。",
)
def targets_ignore_termination(rewards, next_values, terminated, gamma):
    return (rewards + gamma * next_values).detach()


@mistake(
    "td_targets",
    en="The mask is inverted: V(s') belongs to the steps that did not terminate.",
    zh="掩码反了：V(s') 应加在没有终止的步上。",
)
def targets_mask_inverted(rewards, next_values, terminated, gamma):
    return (rewards + gamma * next_values * terminated).detach()


@mistake(
    "td_targets",
    en="Where the episode terminated the target is the reward, not 0.",
    zh="终止处的目标是奖励本身，而不是 0。",
)
def targets_zero_at_the_end(rewards, next_values, terminated, gamma):
    return ((rewards + gamma * next_values) * ~terminated).detach()


@mistake(
    "td_targets",
    en="A target is data: it must not carry a gradient (semi-gradient).",
    zh="目标是数据，不应带梯度（半梯度）。",
)
def targets_keep_gradient(rewards, next_values, terminated, gamma):
    return rewards + gamma * next_values * ~terminated


@mistake(
    "td_targets",
    en="The value of the next state is discounted by γ.",
    zh="下一状态的价值要乘以折扣 γ。",
)
def targets_not_discounted(rewards, next_values, terminated, gamma):
    return (rewards + next_values * ~terminated).detach()


@mistake(
    "td_targets",
    en="Only V(s') is discounted, not the reward of this step.",
    zh="只有 V(s') 要折扣，这一步的奖励不折扣。",
)
def targets_discount_the_reward(rewards, next_values, terminated, gamma):
    return (gamma * (rewards + next_values * ~terminated)).detach()


@mistake(
    "td_targets",
    en="The value is added to the reward, not subtracted from it.",
    zh="价值是加到奖励上，而不是减去。",
)
def targets_subtract_the_value(rewards, next_values, terminated, gamma):
    return (rewards - gamma * next_values * ~terminated).detach()


@mistake(
    "td_targets",
    en="V(s') of each step is given already: don't shift it by one more.",
    zh="每一步的 V(s') 已经给出，不要再错开一位。",
)
def targets_shift_the_values(rewards, next_values, terminated, gamma):
    return (rewards + gamma * torch.roll(next_values, -1) * ~terminated).detach()


@mistake(
    "td_targets",
    en="One terminated step does not end the others: the mask works step by step.",
    zh="某一步终止不影响其他步：掩码要逐步使用。",
)
def targets_stop_for_the_whole_batch(rewards, next_values, terminated, gamma):
    return (rewards if terminated.any() else rewards + gamma * next_values).detach()


@mistake(
    "td_targets",
    en="The result is (B,), one target a step, without a further axis.",
    zh="结果的形状是 (B,)，每步一个目标，没有多余的轴。",
)
def targets_with_an_axis_more(rewards, next_values, terminated, gamma):
    return (rewards + gamma * next_values * ~terminated).detach().unsqueeze(-1)


@mistake(
    "td_targets",
    en="Work on new tensors: the caller still needs V(s').",
    zh="请在新的张量上操作：调用者还要用 V(s')。",
)
def targets_change_the_argument(rewards, next_values, terminated, gamma):
    next_values = next_values.detach()
    next_values[terminated] = 0.0
    return (rewards + gamma * next_values).detach()


# --- td_advantages ------------------------------------------------------------------------------


@mistake(
    "td_advantages",
    en="An advantage is the target minus V(s), not the other way round.",
    zh="优势是目标减去 V(s)，不是反过来。",
)
def advantages_sign(rewards, values, next_values, terminated, gamma):
    return values.detach() - td_targets(rewards, next_values, terminated, gamma)


@mistake(
    "td_advantages",
    en="V(s) is subtracted from the target, not added.",
    zh="目标要减去 V(s)，而不是加上。",
)
def advantages_add_the_value(rewards, values, next_values, terminated, gamma):
    return td_targets(rewards, next_values, terminated, gamma) + values.detach()


@mistake(
    "td_advantages",
    en="Without V(s) this is the target, not yet the advantage.",
    zh="不减去 V(s) 的只是目标，还不是优势。",
)
def advantages_without_baseline(rewards, values, next_values, terminated, gamma):
    return td_targets(rewards, next_values, terminated, gamma)


@mistake(
    "td_advantages",
    en="A terminated step has nothing after it: V(s') must be left out there.",
    zh="终止步之后什么都没有：此处不应加上 V(s')。",
)
def advantages_ignore_termination(rewards, values, next_values, terminated, gamma):
    return (rewards + gamma * next_values - values).detach()


@mistake(
    "td_advantages",
    en="At a terminated step only V(s') goes; V(s) is still subtracted.",
    zh="终止步只去掉 V(s')，V(s) 仍要减去。",
)
def advantages_mask_both_values(rewards, values, next_values, terminated, gamma):
    return (rewards + (gamma * next_values - values) * ~terminated).detach()


@mistake(
    "td_advantages",
    en="The advantage of the last step is not 0: its reward counts, and V(s) too.",
    zh="最后一步的优势不是 0：奖励和 V(s) 都要计入。",
)
def advantages_zero_at_the_end(rewards, values, next_values, terminated, gamma):
    return ((rewards + gamma * next_values - values) * ~terminated).detach()


@mistake(
    "td_advantages",
    en="The mask is inverted: V(s') belongs to the steps that did not terminate.",
    zh="掩码反了：V(s') 应加在没有终止的步上。",
)
def advantages_mask_inverted(rewards, values, next_values, terminated, gamma):
    return (rewards + gamma * next_values * terminated - values).detach()


@mistake(
    "td_advantages",
    en="V(s) must not get a gradient through the advantage, or the actor's loss moves the critic.",
    zh="V(s) 不应通过优势得到梯度，否则演员的损失会改变评论家。",
)
def advantages_keep_gradient(rewards, values, next_values, terminated, gamma):
    return td_targets(rewards, next_values, terminated, gamma) - values


@mistake(
    "td_advantages",
    en="V(s') must not get a gradient through the advantage.",
    zh="V(s') 不应通过优势得到梯度。",
)
def advantages_keep_gradient_of_the_target(rewards, values, next_values, terminated, gamma):
    return rewards + gamma * next_values * ~terminated - values.detach()


@mistake(
    "td_advantages",
    en="The value of the next state is discounted by γ.",
    zh="下一状态的价值要乘以折扣 γ。",
)
def advantages_not_discounted(rewards, values, next_values, terminated, gamma):
    return (rewards + next_values * ~terminated - values).detach()


@mistake(
    "td_advantages",
    en="V(s) stands at the present: it is not discounted.",
    zh="V(s) 是当前时刻的价值，不折扣。",
)
def advantages_discount_both_values(rewards, values, next_values, terminated, gamma):
    return (rewards + gamma * (next_values * ~terminated - values)).detach()


@mistake(
    "td_advantages",
    en="Bootstrap from V(s'), the state after the step, not from V(s).",
    zh="应使用这一步之后的状态 V(s') 自举，而不是 V(s)。",
)
def advantages_bootstrap_from_the_present(rewards, values, next_values, terminated, gamma):
    return (rewards + gamma * values * ~terminated - values).detach()


@mistake(
    "td_advantages",
    en="The advantages are asked for as they are, not normalised over the batch.",
    zh="这里要的是优势本身，不要在批次内归一化。",
)
def advantages_normalised(rewards, values, next_values, terminated, gamma):
    advantages = td_targets(rewards, next_values, terminated, gamma) - values.detach()
    return (advantages - advantages.mean()) / (advantages.std(correction=0) + 1e-8)


@mistake(
    "td_advantages",
    en="Each step has its own advantage: the shape is (B,), not (B, B).",
    zh="每一步有自己的优势：形状是 (B,)，不是 (B, B)。",
)
def advantages_every_pair(rewards, values, next_values, terminated, gamma):
    return td_targets(rewards, next_values, terminated, gamma) - values.detach().unsqueeze(-1)


@mistake(
    "td_advantages",
    en="Work on new tensors: the caller still needs the rewards.",
    zh="请在新的张量上操作：调用者还要用 rewards。",
)
def advantages_change_the_argument(rewards, values, next_values, terminated, gamma):
    rewards = rewards.detach()
    rewards += gamma * next_values.detach() * ~terminated
    return rewards - values.detach()


@mistake(
    "td_advantages",
    en="An advantage is a difference, with its sign; it is neither squared nor made positive.",
    zh="优势是带符号的差，不要取平方或绝对值。",
)
def advantages_absolute(rewards, values, next_values, terminated, gamma):
    return (td_targets(rewards, next_values, terminated, gamma) - values.detach()).abs()


# --- q_advantages -------------------------------------------------------------------------------


@mistake(
    "q_advantages",
    en="A = Q − V, not V − Q.",
    zh="A = Q − V，而不是 V − Q。",
)
def q_advantages_sign(q_values, logits, actions):
    v = (torch.softmax(logits, -1) * q_values).sum(-1)
    return (v - q_values.gather(-1, actions.unsqueeze(-1)).squeeze(-1)).detach()


@mistake(
    "q_advantages",
    en="V is subtracted from Q, not added to it.",
    zh="Q 要减去 V，而不是加上。",
)
def q_advantages_add(q_values, logits, actions):
    v = (torch.softmax(logits, -1) * q_values).sum(-1)
    return (v + q_values.gather(-1, actions.unsqueeze(-1)).squeeze(-1)).detach()


@mistake(
    "q_advantages",
    en="V is the mean of Q under the policy, not under equal probabilities.",
    zh="V 是 Q 在策略下的期望，而不是等概率平均。",
)
def q_advantages_plain_mean(q_values, logits, actions):
    taken = q_values.gather(-1, actions.unsqueeze(-1)).squeeze(-1)
    return (taken - q_values.mean(-1)).detach()


@mistake(
    "q_advantages",
    en="V is the mean of Q under the policy, not its maximum.",
    zh="V 是 Q 在策略下的期望，而不是最大值。",
)
def q_advantages_best_action(q_values, logits, actions):
    taken = q_values.gather(-1, actions.unsqueeze(-1)).squeeze(-1)
    return (taken - q_values.max(-1).values).detach()


@mistake(
    "q_advantages",
    en="Weigh Q with the probabilities of the policy, not with the logits.",
    zh="应以策略的概率为权重，而不是 logits。",
)
def q_advantages_weighted_by_logits(q_values, logits, actions):
    taken = q_values.gather(-1, actions.unsqueeze(-1)).squeeze(-1)
    return (taken - (logits * q_values).sum(-1)).detach()


@mistake(
    "q_advantages",
    en="Weigh Q with probabilities, not with their logarithms.",
    zh="应以概率为权重，而不是对数概率。",
)
def q_advantages_weighted_by_log_probs(q_values, logits, actions):
    taken = q_values.gather(-1, actions.unsqueeze(-1)).squeeze(-1)
    return (taken - (torch.log_softmax(logits, -1) * q_values).sum(-1)).detach()


@mistake(
    "q_advantages",
    en="The softmax runs over the actions of a state, not over the batch.",
    zh="softmax 应对一个状态的各动作计算，而不是对批次。",
)
def q_advantages_softmax_over_batch(q_values, logits, actions):
    v = (torch.softmax(logits, 0) * q_values).sum(-1)
    return (q_values.gather(-1, actions.unsqueeze(-1)).squeeze(-1) - v).detach()


@mistake(
    "q_advantages",
    en="The weighted sum is the mean already: don't divide by the number of actions once more.",
    zh="加权求和已经是期望，不要再除以动作数。",
)
def q_advantages_mean_of_products(q_values, logits, actions):
    v = (torch.softmax(logits, -1) * q_values).mean(-1)
    return (q_values.gather(-1, actions.unsqueeze(-1)).squeeze(-1) - v).detach()


@mistake(
    "q_advantages",
    en="The softmax is applied twice: probabilities are not logits.",
    zh="softmax 用了两次：概率不是 logits。",
)
def q_advantages_softmax_twice(q_values, logits, actions):
    v = (torch.softmax(torch.softmax(logits, -1), -1) * q_values).sum(-1)
    return (q_values.gather(-1, actions.unsqueeze(-1)).squeeze(-1) - v).detach()


@mistake(
    "q_advantages",
    en="Pair each row with its own action: the result is (B,), not (B, B).",
    zh="每一行对应自己的动作：结果是 (B,)，不是 (B, B)。",
)
def q_advantages_every_pair(q_values, logits, actions):
    v = (torch.softmax(logits, -1) * q_values).sum(-1)
    return (q_values[:, actions] - v.unsqueeze(-1)).detach()


@mistake(
    "q_advantages",
    en="After gather an axis of size 1 is left: without squeezing it, Q − V broadcasts to (B, B).",
    zh="gather 之后留有大小为 1 的轴，不去掉的话 Q − V 会广播成 (B, B)。",
)
def q_advantages_not_squeezed(q_values, logits, actions):
    v = (torch.softmax(logits, -1) * q_values).sum(-1)
    return (q_values.gather(-1, actions.unsqueeze(-1)) - v).detach()


@mistake(
    "q_advantages",
    en="The advantages are constants: neither Q nor the policy gets a gradient through them.",
    zh="优势是常数：Q 与策略都不会通过它得到梯度。",
)
def q_advantages_keep_gradient(q_values, logits, actions):
    v = (torch.softmax(logits, -1) * q_values).sum(-1)
    return q_values.gather(-1, actions.unsqueeze(-1)).squeeze(-1) - v


@mistake(
    "q_advantages",
    en="The policy must be a constant here, too, not only Q.",
    zh="这里不仅 Q，策略也应是常数。",
)
def q_advantages_keep_gradient_of_the_policy(q_values, logits, actions):
    v = (torch.softmax(logits, -1) * q_values.detach()).sum(-1)
    return q_values.detach().gather(-1, actions.unsqueeze(-1)).squeeze(-1) - v


@mistake(
    "q_advantages",
    en="Without V this is Q, not yet the advantage.",
    zh="不减去 V 的只是 Q，还不是优势。",
)
def q_advantages_without_baseline(q_values, logits, actions):
    return q_values.gather(-1, actions.unsqueeze(-1)).squeeze(-1).detach()


@mistake(
    "q_advantages",
    en="Take Q of the action that was taken, not weighted by its probability.",
    zh="取所采取动作的 Q，不要再乘以它的概率。",
)
def q_advantages_probability_of_the_action(q_values, logits, actions):
    weighted = torch.softmax(logits, -1) * q_values
    return (weighted.gather(-1, actions.unsqueeze(-1)).squeeze(-1) - weighted.sum(-1)).detach()


# --- generalized_advantages ---------------------------------------------------------------------


def _gae(deltas, decay):
    """A_t = δ_t + decay_t A_{t+1}."""
    following, advantages = torch.zeros_like(deltas[0]), []
    for delta, factor in zip(deltas.flip(0), decay.flip(0)):
        following = delta + factor * following
        advantages.append(following)
    return torch.stack(advantages[::-1])


@mistake(
    "generalized_advantages",
    en="The sum restarts after an episode's last step; it must not run on into the next episode.",
    zh="求和在回合的最后一步之后重新开始，不能延续到下一个回合。",
)
def gae_crosses_episodes(rewards, values, next_values, terminated, truncated, gamma, lam):
    deltas = td_advantages(rewards, values, next_values, terminated, gamma)
    return _gae(deltas, torch.full_like(deltas, gamma * lam))


@mistake(
    "generalized_advantages",
    en="The sum restarts after truncation, too: what follows is another episode.",
    zh="截断之后求和也要重新开始：后面是另一个回合。",
)
def gae_crosses_truncation(rewards, values, next_values, terminated, truncated, gamma, lam):
    deltas = td_advantages(rewards, values, next_values, terminated, gamma)
    return _gae(deltas, gamma * lam * ~terminated)


@mistake(
    "generalized_advantages",
    en="A step that is both terminated and truncated ends its episode, too: *or*, not *exclusive or*.",
    zh="同时终止且截断的一步也结束回合：应当用“或”，而不是“异或”。",
)
def gae_either_but_not_both(rewards, values, next_values, terminated, truncated, gamma, lam):
    deltas = td_advantages(rewards, values, next_values, terminated, gamma)
    return _gae(deltas, gamma * lam * ~(terminated ^ truncated))


@mistake(
    "generalized_advantages",
    en="The sum restarts after termination, too, not only after truncation.",
    zh="终止之后求和也要重新开始，不只是截断之后。",
)
def gae_crosses_termination(rewards, values, next_values, terminated, truncated, gamma, lam):
    deltas = td_advantages(rewards, values, next_values, terminated, gamma)
    return _gae(deltas, gamma * lam * ~truncated)


@mistake(
    "generalized_advantages",
    en="The TD error δ of a terminated step has no V(s').",
    zh="终止步的 TD 误差 δ 不含 V(s')。",
)
def gae_delta_not_masked(rewards, values, next_values, terminated, truncated, gamma, lam):
    deltas = (rewards + gamma * next_values - values).detach()
    return _gae(deltas, gamma * lam * ~(terminated | truncated))


@mistake(
    "generalized_advantages",
    en="Truncation only stops the clock: the value of the state reached still counts.",
    zh="截断只是时间到了：所到达状态的价值仍要计入。",
)
def gae_truncation_treated_as_termination(
    rewards, values, next_values, terminated, truncated, gamma, lam
):
    over = terminated | truncated
    return _gae(td_advantages(rewards, values, next_values, over, gamma), gamma * lam * ~over)


@mistake(
    "generalized_advantages",
    en="The two flags are confused: termination removes V(s'), truncation does not.",
    zh="两个标志弄反了：终止才去掉 V(s')，截断不去掉。",
)
def gae_flags_swapped(rewards, values, next_values, terminated, truncated, gamma, lam):
    deltas = td_advantages(rewards, values, next_values, truncated, gamma)
    return _gae(deltas, gamma * lam * ~(terminated | truncated))


@mistake(
    "generalized_advantages",
    en="The next advantage is discounted by γλ, not by λ alone.",
    zh="下一步的优势要乘以 γλ，而不只是 λ。",
)
def gae_decays_by_lambda(rewards, values, next_values, terminated, truncated, gamma, lam):
    deltas = td_advantages(rewards, values, next_values, terminated, gamma)
    return _gae(deltas, lam * ~(terminated | truncated))


@mistake(
    "generalized_advantages",
    en="The next advantage is discounted by γλ, not by γ alone.",
    zh="下一步的优势要乘以 γλ，而不只是 γ。",
)
def gae_decays_by_gamma(rewards, values, next_values, terminated, truncated, gamma, lam):
    deltas = td_advantages(rewards, values, next_values, terminated, gamma)
    return _gae(deltas, gamma * ~(terminated | truncated))


@mistake(
    "generalized_advantages",
    en="V(s') in δ is discounted by γ, not by γλ: λ belongs to the sum only.",
    zh="δ 中的 V(s') 乘以 γ，而不是 γλ：λ 只用于求和。",
)
def gae_lambda_inside_delta(rewards, values, next_values, terminated, truncated, gamma, lam):
    deltas = td_advantages(rewards, values, next_values, terminated, gamma * lam)
    return _gae(deltas, gamma * lam * ~(terminated | truncated))


@mistake(
    "generalized_advantages",
    en="The result stands in the order of time: flip back what was computed backwards.",
    zh="结果按时间顺序排列：倒着算完之后要翻转回来。",
)
def gae_left_reversed(rewards, values, next_values, terminated, truncated, gamma, lam):
    deltas = td_advantages(rewards, values, next_values, terminated, gamma)
    return _gae(deltas, gamma * lam * ~(terminated | truncated)).flip(0)


@mistake(
    "generalized_advantages",
    en="The sum looks into the future: walk backwards in time.",
    zh="求和是面向未来的：应从后往前计算。",
)
def gae_walks_forwards(rewards, values, next_values, terminated, truncated, gamma, lam):
    deltas = td_advantages(rewards, values, next_values, terminated, gamma)
    over = terminated | truncated
    return _gae(deltas.flip(0), (gamma * lam * ~over).flip(0)).flip(0)


@mistake(
    "generalized_advantages",
    en="A flag at step t ends the sum after t: use the flag of this step, not of the next one.",
    zh="第 t 步的标志表示求和在 t 之后结束：应使用这一步的标志，而不是下一步的。",
)
def gae_flag_of_the_next_step(rewards, values, next_values, terminated, truncated, gamma, lam):
    deltas = td_advantages(rewards, values, next_values, terminated, gamma)
    over = torch.roll(terminated | truncated, -1)
    return _gae(deltas, gamma * lam * ~over)


@mistake(
    "generalized_advantages",
    en="The sum holds TD errors δ, not rewards: V is in every one of them.",
    zh="求和的是 TD 误差 δ，不是奖励：每一项都含有 V。",
)
def gae_sums_rewards(rewards, values, next_values, terminated, truncated, gamma, lam):
    sums = _gae(rewards.detach(), gamma * lam * ~(terminated | truncated))
    return sums - values.detach()


@mistake(
    "generalized_advantages",
    en="Where an episode ended, V(s') is not the V(s) of the next row: use next_values.",
    zh="回合结束处，V(s') 不是下一行的 V(s)：请使用 next_values。",
)
def gae_takes_the_next_row(rewards, values, next_values, terminated, truncated, gamma, lam):
    following = torch.cat([values[1:], next_values[-1:]])
    deltas = td_advantages(rewards, values, following, terminated, gamma)
    return _gae(deltas, gamma * lam * ~(terminated | truncated))


@mistake(
    "generalized_advantages",
    en="The advantages are asked for; adding V(s) gives the targets of the critic.",
    zh="这里要的是优势；加上 V(s) 就成了评论家的目标。",
)
def gae_returns_the_targets(rewards, values, next_values, terminated, truncated, gamma, lam):
    deltas = td_advantages(rewards, values, next_values, terminated, gamma)
    return _gae(deltas, gamma * lam * ~(terminated | truncated)) + values.detach()


@mistake(
    "generalized_advantages",
    en="The advantages are constants: detach them.",
    zh="优势是常数：请使用 detach。",
)
def gae_keeps_gradient(rewards, values, next_values, terminated, truncated, gamma, lam):
    deltas = rewards + gamma * next_values * ~terminated - values
    return _gae(deltas, gamma * lam * ~(terminated | truncated))


@mistake(
    "generalized_advantages",
    en="Only the next advantage is forgotten at an episode's end; δ of that step stays.",
    zh="回合结束时只忘掉下一步的优势；该步的 δ 要保留。",
)
def gae_drops_the_last_delta(rewards, values, next_values, terminated, truncated, gamma, lam):
    over = terminated | truncated
    deltas = td_advantages(rewards, values, next_values, terminated, gamma) * ~over
    return _gae(deltas, gamma * lam * ~over)


# --- actor_loss ---------------------------------------------------------------------------------


@mistake(
    "actor_loss",
    en="Optimisers descend, but J is to be climbed: the loss needs a minus.",
    zh="优化器做下降，而 J 要上升：损失需要负号。",
)
def actor_sign(log_probs, advantages):
    return (log_probs * advantages.detach()).mean()


@mistake(
    "actor_loss",
    en="The loss is the mean over the batch, not the sum.",
    zh="损失是批次上的平均，而不是求和。",
)
def actor_sum(log_probs, advantages):
    return -(log_probs * advantages.detach()).sum()


@mistake(
    "actor_loss",
    en="The advantages are constants: otherwise the critic moves, too.",
    zh="优势是常数：否则评论家也会被改变。",
)
def actor_keeps_gradient_of_advantages(log_probs, advantages):
    return -(log_probs * advantages).mean()


@mistake(
    "actor_loss",
    en="The gradient must flow through log π; only the advantage is detached.",
    zh="梯度必须流过 log π；只有优势需要 detach。",
)
def actor_detaches_the_wrong_factor(log_probs, advantages):
    return -(log_probs.detach() * advantages).mean()


@mistake(
    "actor_loss",
    en="The policy gradient uses log π, not π (log-derivative trick).",
    zh="策略梯度使用 log π，而不是 π（对数求导技巧）。",
)
def actor_uses_probabilities(log_probs, advantages):
    return -(log_probs.exp() * advantages.detach()).mean()


@mistake(
    "actor_loss",
    en="The log-probabilities are logarithms already.",
    zh="log_probs 已经是对数了，不要再取对数。",
)
def actor_log_twice(log_probs, advantages):
    return ((-log_probs).log() * advantages.detach()).mean()


@mistake(
    "actor_loss",
    en="The mean of products is not the product of means, nor the mean over all pairs (B, B): each step "
    "is weighted by its own advantage.",
    zh="乘积的平均不等于平均的乘积，也不是所有配对 (B, B) 的平均：每一步乘以自己的优势。",
)
def actor_product_of_means(log_probs, advantages):
    return -log_probs.mean() * advantages.detach().mean()


@mistake(
    "actor_loss",
    en="The advantages are used as they are, not normalised.",
    zh="优势按原样使用，不要归一化。",
)
def actor_normalises(log_probs, advantages):
    a = advantages.detach()
    deviation = a.std() if len(a) > 1 else float("nan")
    return -(log_probs * (a - a.mean()) / (deviation + 1e-8)).mean()


@mistake(
    "actor_loss",
    en="The advantages are used as they are: the baseline is in them already, don't subtract their mean.",
    zh="优势按原样使用：其中已减去基线，不要再减去均值。",
)
def actor_centres(log_probs, advantages):
    a = advantages.detach()
    return -(log_probs * (a - a.mean())).mean()


@mistake(
    "actor_loss",
    en="The gradient is right, but the value is not that of the loss: log π is asked for, not a ratio "
    "that is always 1.",
    zh="梯度正确，但损失的数值不对：要求的是 log π，而不是恒为 1 的比值。",
)
def actor_ratio_of_one(log_probs, advantages):
    return -((log_probs - log_probs.detach()).exp() * advantages.detach()).mean()


@mistake(
    "actor_loss",
    en="The loss is linear in the advantage; it is not squared.",
    zh="损失对优势是线性的，不要取平方。",
)
def actor_squares_the_advantage(log_probs, advantages):
    return -(log_probs * advantages.detach().square()).mean()


@mistake(
    "actor_loss",
    en="Bad actions must become less likely: keep the sign of the advantage.",
    zh="差的动作概率要降低：请保留优势的符号。",
)
def actor_ignores_negative_advantages(log_probs, advantages):
    return -(log_probs * advantages.detach().clamp(min=0.0)).mean()


@mistake(
    "actor_loss",
    en="The advantage weighs log π; it is not added to it.",
    zh="优势是 log π 的权重，不是与它相加。",
)
def actor_adds(log_probs, advantages):
    return -(log_probs + advantages.detach()).mean()


@mistake(
    "actor_loss",
    en="The loss is one number: average over the batch.",
    zh="损失是一个数：请对批次求平均。",
)
def actor_not_reduced(log_probs, advantages):
    return -log_probs * advantages.detach()


@mistake(
    "actor_loss",
    en="There is no ½ in the actor's loss.",
    zh="演员的损失没有 ½。",
)
def actor_halved(log_probs, advantages):
    return -0.5 * (log_probs * advantages.detach()).mean()


# --- critic_loss --------------------------------------------------------------------------------


@mistake(
    "critic_loss",
    en="The lecture's objective has a ½ before the square.",
    zh="讲义的目标函数在平方前有 ½。",
)
def critic_without_half(values, targets):
    return (targets.detach() - values).square().mean()


@mistake(
    "critic_loss",
    en="The loss is the mean over the batch, not the sum.",
    zh="损失是批次上的平均，而不是求和。",
)
def critic_sum(values, targets):
    return 0.5 * (targets.detach() - values).square().sum()


@mistake(
    "critic_loss",
    en="Squaring a sum is not summing squares: square each error first.",
    zh="和的平方不等于平方和：应先对每个误差取平方。",
)
def critic_square_of_mean(values, targets):
    return 0.5 * (targets.detach() - values).mean().square()


@mistake(
    "critic_loss",
    en="The target is a constant: same loss, but another gradient.",
    zh="目标是常数：损失值相同，梯度却不同。",
)
def critic_keeps_gradient_of_targets(values, targets):
    return 0.5 * (targets - values).square().mean()


@mistake(
    "critic_loss",
    en="The gradient flows through the values; it is the target that is detached.",
    zh="梯度应流过 values；需要 detach 的是目标。",
)
def critic_detaches_the_wrong_side(values, targets):
    return 0.5 * (targets - values.detach()).square().mean()


@mistake(
    "critic_loss",
    en="A critic is to be pulled to its target: the loss is not negative.",
    zh="评论家要被拉向目标：损失不应为负。",
)
def critic_sign(values, targets):
    return -0.5 * (targets.detach() - values).square().mean()


@mistake(
    "critic_loss",
    en="(B, 1) minus (B,) pairs every value with every target: the critic then fits their mean.",
    zh="(B, 1) 减 (B,) 会让每个价值与所有目标配对：评论家只会拟合它们的平均值。",
)
def critic_every_pair(values, targets):
    return 0.5 * (targets.detach() - values.unsqueeze(-1)).square().mean()


@mistake(
    "critic_loss",
    en="The error is squared, not taken absolutely.",
    zh="误差要取平方，而不是绝对值。",
)
def critic_absolute(values, targets):
    return 0.5 * (targets.detach() - values).abs().mean()


@mistake(
    "critic_loss",
    en="The squared error is asked for everywhere, large errors included (not the Huber loss).",
    zh="无论误差多大都用平方误差（不是 Huber 损失）。",
)
def critic_huber(values, targets):
    return nn.functional.smooth_l1_loss(values, targets.detach())


@mistake(
    "critic_loss",
    en="The loss is in the value's own units squared: there is no root.",
    zh="损失是平方误差，不要再开平方根。",
)
def critic_root(values, targets):
    return 0.5 * (targets.detach() - values).square().mean().sqrt()


@mistake(
    "critic_loss",
    en="The loss is one number: average over the batch.",
    zh="损失是一个数：请对批次求平均。",
)
def critic_not_reduced(values, targets):
    return 0.5 * (targets.detach() - values).square()


@mistake(
    "critic_loss",
    en="The error is the difference of target and value, not their sum.",
    zh="误差是目标与价值之差，而不是之和。",
)
def critic_adds(values, targets):
    return 0.5 * (targets.detach() + values).square().mean()


@mistake(
    "critic_loss",
    en="Without the square the loss has no minimum.",
    zh="没有平方，损失就没有最小值。",
)
def critic_not_squared(values, targets):
    return 0.5 * (targets.detach() - values).mean()


@mistake(
    "critic_loss",
    en="Work on new tensors: the caller still needs the targets.",
    zh="请在新的张量上操作：调用者还要用 targets。",
)
def critic_changes_the_argument(values, targets):
    targets = targets.detach()
    targets -= values.detach()
    return 0.5 * (targets + values.detach() - values).square().mean()


# --- SeparateActorCritic ------------------------------------------------------------------------


@mistake(
    "SeparateActorCritic",
    en="Values are (B,): squeeze the last axis of the critic's output.",
    zh="values 的形状是 (B,)：请去掉评论家输出的最后一个轴。",
)
class separate_values_not_squeezed(SeparateActorCritic):
    def forward(self, obs):
        return self.actor(obs), self.critic(obs)


@mistake(
    "SeparateActorCritic",
    en="squeeze() without an axis removes the batch axis, too, when the batch holds one state: squeeze(-1).",
    zh="批次只有一个状态时，不带参数的 squeeze() 会把批次轴也去掉：请用 squeeze(-1)。",
)
class separate_squeezes_everything(SeparateActorCritic):
    def forward(self, obs):
        return self.actor(obs).squeeze(), self.critic(obs).squeeze()


@mistake(
    "SeparateActorCritic",
    en="The first result is the logits, not the probabilities.",
    zh="第一个结果是 logits，而不是概率。",
)
class separate_gives_probabilities(SeparateActorCritic):
    def forward(self, obs):
        return torch.softmax(self.actor(obs), dim=-1), self.critic(obs).squeeze(-1)


@mistake(
    "SeparateActorCritic",
    en="The two networks share their first layers: that is the lecture's scheme two.",
    zh="两个网络共享了前几层：那是讲义的方案二。",
)
class separate_shares_a_trunk(nn.Module):
    def __init__(self, obs_dim, n_actions, hidden):
        super().__init__()
        self.trunk = nn.Sequential(nn.Linear(obs_dim, hidden), nn.Tanh())
        self.actor, self.critic = nn.Linear(hidden, n_actions), nn.Linear(hidden, 1)

    def forward(self, obs):
        features = self.trunk(obs)
        return self.actor(features), self.critic(features).squeeze(-1)


@mistake(
    "SeparateActorCritic",
    en="The critic reads the actor's features without gradient: it still depends on the actor's parameters.",
    zh="评论家读取了演员的特征（虽然不带梯度）：它仍然依赖演员的参数。",
)
class separate_shares_a_detached_trunk(nn.Module):
    def __init__(self, obs_dim, n_actions, hidden):
        super().__init__()
        self.trunk = nn.Sequential(nn.Linear(obs_dim, hidden), nn.Tanh())
        self.actor, self.critic = nn.Linear(hidden, n_actions), nn.Linear(hidden, 1)

    def forward(self, obs):
        features = self.trunk(obs)
        return self.actor(features), self.critic(features.detach()).squeeze(-1)


@mistake(
    "SeparateActorCritic",
    en="Logits come first, then the values.",
    zh="先返回 logits，再返回 values。",
)
class separate_swaps_the_results(SeparateActorCritic):
    def forward(self, obs):
        return self.critic(obs).squeeze(-1), self.actor(obs)


@mistake(
    "SeparateActorCritic",
    en="A value can be negative or large: no activation after its last layer.",
    zh="价值可以为负、也可以很大：最后一层之后不要加激活函数。",
)
class separate_squashes_the_value(SeparateActorCritic):
    def forward(self, obs):
        return self.actor(obs), torch.tanh(self.critic(obs)).squeeze(-1)


@mistake(
    "SeparateActorCritic",
    en="A critic here gives one V(s), not a value for each action.",
    zh="这里的评论家只给出一个 V(s)，而不是每个动作一个值。",
)
class separate_gives_action_values(SeparateActorCritic):
    def __init__(self, obs_dim, n_actions, hidden):
        super().__init__(obs_dim, n_actions, hidden)
        self.critic[-1] = nn.Linear(hidden, n_actions)

    def forward(self, obs):
        return self.actor(obs), self.critic(obs)


@mistake(
    "SeparateActorCritic",
    en="Normalising over the batch lets the states influence each other.",
    zh="在批次上归一化会让各个状态互相影响。",
)
class separate_normalises_over_the_batch(SeparateActorCritic):
    def forward(self, obs):
        return super().forward(obs - obs.mean(dim=0, keepdim=True))


# --- SharedActorCritic --------------------------------------------------------------------------


@mistake(
    "SharedActorCritic",
    en="Values are (B,): squeeze the last axis of the value head.",
    zh="values 的形状是 (B,)：请去掉价值头输出的最后一个轴。",
)
class shared_values_not_squeezed(SharedActorCritic):
    def forward(self, obs):
        features = self.trunk(obs)
        return self.policy_head(features), self.value_head(features)


@mistake(
    "SharedActorCritic",
    en="squeeze() without an axis removes the batch axis, too, when the batch holds one state: squeeze(-1).",
    zh="批次只有一个状态时，不带参数的 squeeze() 会把批次轴也去掉：请用 squeeze(-1)。",
)
class shared_squeezes_everything(SharedActorCritic):
    def forward(self, obs):
        features = self.trunk(obs)
        return self.policy_head(features), self.value_head(features).squeeze()


@mistake(
    "SharedActorCritic",
    en="These are two networks: one trunk must feed both heads.",
    zh="这是两个独立的网络：应由同一个主干网络连接两个输出头。",
)
class shared_is_separate(SeparateActorCritic):
    pass


@mistake(
    "SharedActorCritic",
    en="The value must train the trunk, too: don't detach its features.",
    zh="价值也要训练主干网络：不要 detach 它的特征。",
)
class shared_value_is_cut_off(SharedActorCritic):
    def forward(self, obs):
        features = self.trunk(obs)
        return self.policy_head(features), self.value_head(features.detach()).squeeze(-1)


@mistake(
    "SharedActorCritic",
    en="The policy must train the trunk, too: don't detach its features.",
    zh="策略也要训练主干网络：不要 detach 它的特征。",
)
class shared_policy_is_cut_off(SharedActorCritic):
    def forward(self, obs):
        features = self.trunk(obs)
        return self.policy_head(features.detach()), self.value_head(features).squeeze(-1)


@mistake(
    "SharedActorCritic",
    en="The first result is the logits, not the probabilities.",
    zh="第一个结果是 logits，而不是概率。",
)
class shared_gives_probabilities(SharedActorCritic):
    def forward(self, obs):
        logits, values = super().forward(obs)
        return torch.softmax(logits, dim=-1), values


@mistake(
    "SharedActorCritic",
    en="A head is one linear layer; this value head has a hidden layer of its own.",
    zh="输出头只是一个线性层；这里的价值头有自己的隐藏层。",
)
class shared_deep_value_head(SharedActorCritic):
    def __init__(self, obs_dim, n_actions, hidden):
        super().__init__(obs_dim, n_actions, hidden)
        self.value_head = nn.Sequential(nn.Linear(hidden, hidden), nn.Tanh(), nn.Linear(hidden, 1))


@mistake(
    "SharedActorCritic",
    en="The value is read from the features, not from the logits.",
    zh="价值应由特征得到，而不是由 logits 得到。",
)
class shared_value_reads_the_logits(SharedActorCritic):
    def __init__(self, obs_dim, n_actions, hidden):
        super().__init__(obs_dim, n_actions, hidden)
        self.value_head = nn.Linear(n_actions, 1)

    def forward(self, obs):
        logits = self.policy_head(self.trunk(obs))
        return logits, self.value_head(logits).squeeze(-1)


@mistake(
    "SharedActorCritic",
    en="A value can be negative: no activation after the value head.",
    zh="价值可以为负：价值头之后不要加激活函数。",
)
class shared_rectifies_the_value(SharedActorCritic):
    def forward(self, obs):
        logits, values = super().forward(obs)
        return logits, torch.relu(values)


@mistake(
    "SharedActorCritic",
    en="Logits come first, then the values.",
    zh="先返回 logits，再返回 values。",
)
class shared_swaps_the_results(SharedActorCritic):
    def forward(self, obs):
        logits, values = super().forward(obs)
        return values, logits


# --- a2c_loss -----------------------------------------------------------------------------------


def _terms(logits, values, actions, targets):
    """(mean log π · A, ½ mean error², mean entropy), for mistakes to combine wrongly."""
    log_pi = torch.log_softmax(logits, dim=-1)
    log_probs = log_pi.gather(-1, actions.unsqueeze(-1)).squeeze(-1)
    entropy = -(log_pi.exp() * log_pi).sum(-1)
    return log_probs, (targets - values).detach(), critic_loss(values, targets), entropy.mean()


@mistake(
    "a2c_loss",
    en="Entropy is a reward for exploring: in a loss it is subtracted.",
    zh="熵是对探索的奖励：在损失中应减去。",
)
def a2c_adds_the_entropy(logits, values, actions, targets, value_coef, entropy_coef):
    log_probs, a, critic, entropy = _terms(logits, values, actions, targets)
    return actor_loss(log_probs, a) + value_coef * critic + entropy_coef * entropy


@mistake(
    "a2c_loss",
    en="The entropy bonus is missing.",
    zh="缺少熵奖励项。",
)
def a2c_without_entropy(logits, values, actions, targets, value_coef, entropy_coef):
    log_probs, a, critic, _ = _terms(logits, values, actions, targets)
    return actor_loss(log_probs, a) + value_coef * critic


@mistake(
    "a2c_loss",
    en="The critic's term is missing.",
    zh="缺少评论家的那一项。",
)
def a2c_without_critic(logits, values, actions, targets, value_coef, entropy_coef):
    log_probs, a, _, entropy = _terms(logits, values, actions, targets)
    return actor_loss(log_probs, a) - entropy_coef * entropy


@mistake(
    "a2c_loss",
    en="The actor's loss is −mean(log π · A) with A = target − V(s): its sign is wrong.",
    zh="演员的损失是 −mean(log π · A)，其中 A = 目标 − V(s)：符号错了。",
)
def a2c_actor_sign(logits, values, actions, targets, value_coef, entropy_coef):
    log_probs, a, critic, entropy = _terms(logits, values, actions, targets)
    return -actor_loss(log_probs, a) + value_coef * critic - entropy_coef * entropy


@mistake(
    "a2c_loss",
    en="The critic's loss is added: the whole sum is minimised.",
    zh="评论家的损失应加上：整个和一起最小化。",
)
def a2c_subtracts_the_critic(logits, values, actions, targets, value_coef, entropy_coef):
    log_probs, a, critic, entropy = _terms(logits, values, actions, targets)
    return actor_loss(log_probs, a) - value_coef * critic - entropy_coef * entropy


@mistake(
    "a2c_loss",
    en="The advantage in the actor's term is a constant: otherwise the actor's loss moves the critic.",
    zh="演员那一项中的优势是常数：否则演员的损失会改变评论家。",
)
def a2c_advantage_keeps_gradient(logits, values, actions, targets, value_coef, entropy_coef):
    log_probs, _, critic, entropy = _terms(logits, values, actions, targets)
    actor = -(log_probs * (targets - values)).mean()
    return actor + value_coef * critic - entropy_coef * entropy


@mistake(
    "a2c_loss",
    en="The critic learns from its loss: don't detach the values there.",
    zh="评论家通过它的损失来学习：在那里不要 detach values。",
)
def a2c_critic_is_cut_off(logits, values, actions, targets, value_coef, entropy_coef):
    return _right(logits, values.detach(), actions, targets, value_coef, entropy_coef)


def _right(logits, values, actions, targets, value_coef, entropy_coef):
    """The right loss, for mistakes that spoil its arguments."""
    log_probs, a, critic, entropy = _terms(logits, values, actions, targets)
    return actor_loss(log_probs, a) + value_coef * critic - entropy_coef * entropy


@mistake(
    "a2c_loss",
    en="The weight of the actor is the advantage, not the target: subtract V(s).",
    zh="演员的权重是优势而不是目标：请减去 V(s)。",
)
def a2c_weighs_with_the_target(logits, values, actions, targets, value_coef, entropy_coef):
    log_probs, _, critic, entropy = _terms(logits, values, actions, targets)
    return actor_loss(log_probs, targets) + value_coef * critic - entropy_coef * entropy


@mistake(
    "a2c_loss",
    en="The entropy is summed over the actions and averaged over the batch: divide by B only.",
    zh="熵对动作求和、对批次求平均：只除以 B。",
)
def a2c_entropy_mean_over_everything(logits, values, actions, targets, value_coef, entropy_coef):
    log_probs, a, critic, entropy = _terms(logits, values, actions, targets)
    entropy = entropy / logits.shape[-1]
    return actor_loss(log_probs, a) + value_coef * critic - entropy_coef * entropy


@mistake(
    "a2c_loss",
    en="The entropy is averaged over the batch, not summed.",
    zh="熵对批次求平均，而不是求和。",
)
def a2c_entropy_summed(logits, values, actions, targets, value_coef, entropy_coef):
    log_probs, a, critic, entropy = _terms(logits, values, actions, targets)
    entropy = entropy * len(logits)
    return actor_loss(log_probs, a) + value_coef * critic - entropy_coef * entropy


@mistake(
    "a2c_loss",
    en="The entropy runs over all actions, not only over the one taken.",
    zh="熵要对所有动作计算，而不只是所采取的动作。",
)
def a2c_entropy_of_the_taken_action(logits, values, actions, targets, value_coef, entropy_coef):
    log_probs, a, critic, _ = _terms(logits, values, actions, targets)
    entropy = -(log_probs.exp() * log_probs).mean()
    return actor_loss(log_probs, a) + value_coef * critic - entropy_coef * entropy


@mistake(
    "a2c_loss",
    en="The entropy must train the policy: it is not a constant.",
    zh="熵要训练策略：它不是常数。",
)
def a2c_entropy_is_cut_off(logits, values, actions, targets, value_coef, entropy_coef):
    log_probs, a, critic, entropy = _terms(logits, values, actions, targets)
    return actor_loss(log_probs, a) + value_coef * critic - entropy_coef * entropy.detach()


@mistake(
    "a2c_loss",
    en="The logits need a softmax, and its logarithm, before one is picked.",
    zh="先对 logits 做 log softmax，再取出对应动作。",
)
def a2c_logits_as_log_probs(logits, values, actions, targets, value_coef, entropy_coef):
    _, a, critic, entropy = _terms(logits, values, actions, targets)
    log_probs = logits.gather(-1, actions.unsqueeze(-1)).squeeze(-1)
    return actor_loss(log_probs, a) + value_coef * critic - entropy_coef * entropy


@mistake(
    "a2c_loss",
    en="The softmax is applied twice: probabilities are not logits.",
    zh="softmax 用了两次：概率不是 logits。",
)
def a2c_softmax_twice(logits, values, actions, targets, value_coef, entropy_coef):
    probs = torch.softmax(logits, dim=-1)
    return _right(probs, values, actions, targets, value_coef, entropy_coef)


@mistake(
    "a2c_loss",
    en="The softmax runs over the actions of a state, not over the batch.",
    zh="softmax 应对一个状态的各动作计算，而不是对批次。",
)
def a2c_softmax_over_batch(logits, values, actions, targets, value_coef, entropy_coef):
    log_pi = torch.log_softmax(logits, dim=0)
    log_probs = log_pi.gather(-1, actions.unsqueeze(-1)).squeeze(-1)
    entropy = -(log_pi.exp() * log_pi).sum(-1).mean()
    return (
        actor_loss(log_probs, (targets - values).detach())
        + value_coef * critic_loss(values, targets)
        - entropy_coef * entropy
    )


@mistake(
    "a2c_loss",
    en="Each log π is multiplied with its own A, then the mean is taken: not the mean of one times the mean "
    "of the other, which is also what an axis of size 1 left after gather gives.",
    zh="每个 log π 先乘以自己的 A，再求平均；不是两个平均的乘积（gather 之后留下大小为 1 的轴也会得到后者）。",
)
def a2c_not_squeezed(logits, values, actions, targets, value_coef, entropy_coef):
    _, a, critic, entropy = _terms(logits, values, actions, targets)
    log_probs = torch.log_softmax(logits, dim=-1).gather(-1, actions.unsqueeze(-1))
    return -(log_probs * a).mean() + value_coef * critic - entropy_coef * entropy


@mistake(
    "a2c_loss",
    en="The ½ of the critic's loss is missing.",
    zh="评论家的损失缺少 ½。",
)
def a2c_without_half(logits, values, actions, targets, value_coef, entropy_coef):
    log_probs, a, critic, entropy = _terms(logits, values, actions, targets)
    return actor_loss(log_probs, a) + 2 * value_coef * critic - entropy_coef * entropy


@mistake(
    "a2c_loss",
    en="All three terms are means over the batch, not sums.",
    zh="三项都是对批次求平均，而不是求和。",
)
def a2c_sums(logits, values, actions, targets, value_coef, entropy_coef):
    log_probs, a, critic, entropy = _terms(logits, values, actions, targets)
    loss = actor_loss(log_probs, a) + value_coef * critic - entropy_coef * entropy
    return loss * len(targets)


@mistake(
    "a2c_loss",
    en="The two coefficients are swapped.",
    zh="两个系数弄反了。",
)
def a2c_coefficients_swapped(logits, values, actions, targets, value_coef, entropy_coef):
    return _right(logits, values, actions, targets, entropy_coef, value_coef)


@mistake(
    "a2c_loss",
    en="The advantages are used as they are, not normalised over the batch.",
    zh="优势按原样使用，不要在批次内归一化。",
)
def a2c_normalises(logits, values, actions, targets, value_coef, entropy_coef):
    log_probs, a, critic, entropy = _terms(logits, values, actions, targets)
    deviation = a.std() if len(a) > 1 else float("nan")
    a = (a - a.mean()) / (deviation + 1e-8)
    return actor_loss(log_probs, a) + value_coef * critic - entropy_coef * entropy


@mistake(
    "a2c_loss",
    en="The critic's loss has its ½ already: multiply with value_coef only.",
    zh="评论家的损失已含 ½：只需再乘以 value_coef。",
)
def a2c_halves_the_critic_again(logits, values, actions, targets, value_coef, entropy_coef):
    return _right(logits, values, actions, targets, 0.5 * value_coef, entropy_coef)


@mistake(
    "a2c_loss",
    en="The targets are constants: same loss, but another gradient.",
    zh="目标是常数：损失值相同，梯度却不同。",
)
def a2c_targets_keep_gradient(logits, values, actions, targets, value_coef, entropy_coef):
    log_probs, a, _, entropy = _terms(logits, values, actions, targets)
    critic = 0.5 * (targets - values).square().mean()
    return actor_loss(log_probs, a) + value_coef * critic - entropy_coef * entropy
