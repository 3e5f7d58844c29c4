"""Known mistakes of homework 4: each overrides one answer of the reference."""

from autograder.grading.variants import mistake

# --- importance_weights -------------------------------------------------------------------------


@mistake(
    "importance_weights",
    en="The ratio is inverted: the target's probability stands over the behavior's.",
    zh="比值颠倒了：分子应是目标策略的概率，分母是行为策略的。",
)
def weights_inverted(target_log_probs, behavior_log_probs, mask):
    log_ratios = (behavior_log_probs.detach() - target_log_probs).where(mask, 0.0)
    return log_ratios.sum(dim=1).exp()


@mistake(
    "importance_weights",
    en="The ratios of the steps are multiplied (their logarithms added), not the ratios added.",
    zh="各步的比值要相乘（对数相加），而不是比值相加。",
)
def weights_sum_of_ratios(target_log_probs, behavior_log_probs, mask):
    ratios = (target_log_probs - behavior_log_probs.detach()).exp()
    return ratios.where(mask, 0.0).sum(dim=1)


@mistake(
    "importance_weights",
    en="Padding must not count: leave it out of the product.",
    zh="填充部分不应计入：请把它排除在乘积之外。",
)
def weights_of_the_padding_too(target_log_probs, behavior_log_probs, mask):
    return (target_log_probs - behavior_log_probs.detach()).sum(dim=1).exp()


@mistake(
    "importance_weights",
    en="On padding the factor is 1, not 0: one zero makes the whole product zero.",
    zh="填充处的因子应为 1 而不是 0：一个零会使整个乘积为零。",
)
def weights_zero_on_padding(target_log_probs, behavior_log_probs, mask):
    ratios = (target_log_probs - behavior_log_probs.detach()).exp()
    return ratios.where(mask, 0.0).prod(dim=1)


@mistake(
    "importance_weights",
    en="The behavior policy is a constant: detach its log-probabilities, not the target's.",
    zh="行为策略是常数：应 detach 它的对数概率。",
)
def weights_keep_the_behavior_gradient(target_log_probs, behavior_log_probs, mask):
    return (target_log_probs - behavior_log_probs).where(mask, 0.0).sum(dim=1).exp()


@mistake(
    "importance_weights",
    en="The gradient flows through the target policy: don't detach it.",
    zh="梯度应流过目标策略：不要 detach。",
)
def weights_detached(target_log_probs, behavior_log_probs, mask):
    return (target_log_probs - behavior_log_probs).where(mask, 0.0).sum(dim=1).exp().detach()


@mistake(
    "importance_weights",
    en="These are the logarithms of the weights: take exp.",
    zh="这是权重的对数：还要取 exp。",
)
def weights_without_exp(target_log_probs, behavior_log_probs, mask):
    return (target_log_probs - behavior_log_probs.detach()).where(mask, 0.0).sum(dim=1)


@mistake(
    "importance_weights",
    en="The product runs over the whole trajectory; averaging the logarithms takes its T-th root.",
    zh="乘积要遍历整条轨迹；对数取平均等于开 T 次方。",
)
def weights_mean_of_logs(target_log_probs, behavior_log_probs, mask):
    log_ratios = (target_log_probs - behavior_log_probs.detach()).where(mask, 0.0)
    return (log_ratios.sum(dim=1) / mask.sum(dim=1)).exp()


@mistake(
    "importance_weights",
    en="Plain importance sampling: the weights are not normalised over the batch.",
    zh="普通的重要性采样：权重不在批次内归一化。",
)
def weights_normalised(target_log_probs, behavior_log_probs, mask):
    log_ratios = (target_log_probs - behavior_log_probs.detach()).where(mask, 0.0)
    weights = log_ratios.sum(dim=1).exp()
    return weights / weights.sum() * len(weights)


@mistake(
    "importance_weights",
    en="The arguments are logarithms: a ratio of probabilities is exp of their difference.",
    zh="参数是对数概率：概率之比等于其差的 exp。",
)
def weights_ratio_of_logs(target_log_probs, behavior_log_probs, mask):
    return (target_log_probs / behavior_log_probs.detach()).where(mask, 1.0).prod(dim=1)


@mistake(
    "importance_weights",
    en="The probability of a long trajectory underflows: work with the ratio, or with logarithms.",
    zh="长轨迹的概率会下溢：请直接用比值或对数计算。",
)
def weights_of_whole_probabilities(target_log_probs, behavior_log_probs, mask):
    target = target_log_probs.where(mask, 0.0).sum(dim=1).exp()
    return target / behavior_log_probs.detach().where(mask, 0.0).sum(dim=1).exp()


@mistake(
    "importance_weights",
    en="The weights are not clipped.",
    zh="权重不做截断。",
)
def weights_clipped(target_log_probs, behavior_log_probs, mask):
    log_ratios = (target_log_probs - behavior_log_probs.detach()).where(mask, 0.0)
    return log_ratios.sum(dim=1).exp().clamp(max=1.0)


# --- off_policy_loss ----------------------------------------------------------------------------


@mistake(
    "off_policy_loss",
    en="Optimisers descend, but J is to be climbed: the loss needs a minus.",
    zh="优化器做下降，而 J 要上升：损失需要负号。",
)
def loss_sign(target_log_probs, behavior_log_probs, returns, mask):
    weights = importance_weights(target_log_probs, behavior_log_probs, mask)
    return (weights * returns.detach()).mean()


@mistake(
    "off_policy_loss",
    en="Divide by the number of trajectories N.",
    zh="应除以轨迹数 N。",
)
def loss_sum(target_log_probs, behavior_log_probs, returns, mask):
    weights = importance_weights(target_log_probs, behavior_log_probs, mask)
    return -(weights * returns.detach()).sum()


@mistake(
    "off_policy_loss",
    en="The average is over the N trajectories, not over all real steps.",
    zh="应对 N 条轨迹求平均，而不是对所有真实步求平均。",
)
def loss_mean_over_steps(target_log_probs, behavior_log_probs, returns, mask):
    weights = importance_weights(target_log_probs, behavior_log_probs, mask)
    return -(weights * returns.detach()).sum() / mask.sum()


@mistake(
    "off_policy_loss",
    en="Divide by N, not by the sum of the weights (that is weighted importance sampling).",
    zh="应除以 N，而不是权重之和（那是加权重要性采样）。",
)
def loss_self_normalised(target_log_probs, behavior_log_probs, returns, mask):
    weights = importance_weights(target_log_probs, behavior_log_probs, mask)
    return -(weights * returns.detach()).sum() / weights.sum()


@mistake(
    "off_policy_loss",
    en="The gradient flows through ρ: don't detach it.",
    zh="梯度要流过 ρ：不要 detach。",
)
def loss_detached_weights(target_log_probs, behavior_log_probs, returns, mask):
    weights = importance_weights(target_log_probs, behavior_log_probs, mask)
    log_probs = target_log_probs.where(mask, 0.0).sum(dim=1)
    return -(weights.detach() * returns.detach() * log_probs).mean()


@mistake(
    "off_policy_loss",
    en="ρ carries the gradient by itself; with log π beside it, it counts twice.",
    zh="ρ 本身就带有梯度；再乘 log π 就重复了。",
)
def loss_with_log_probs(target_log_probs, behavior_log_probs, returns, mask):
    weights = importance_weights(target_log_probs, behavior_log_probs, mask)
    log_probs = target_log_probs.where(mask, 0.0).sum(dim=1)
    return -(weights * returns.detach() * log_probs).mean()


@mistake(
    "off_policy_loss",
    en="Without ρ the data of the other policy are treated as one's own.",
    zh="没有 ρ 就等于把另一个策略的数据当作自己的。",
)
def loss_without_weights(target_log_probs, behavior_log_probs, returns, mask):
    log_probs = target_log_probs.where(mask, 0.0).sum(dim=1)
    return -(log_probs * returns.detach()).mean()


@mistake(
    "off_policy_loss",
    en="The returns are constants.",
    zh="回报是常数。",
)
def loss_keeps_gradient_of_returns(target_log_probs, behavior_log_probs, returns, mask):
    weights = importance_weights(target_log_probs, behavior_log_probs, mask)
    return -(weights * returns).mean()


@mistake(
    "off_policy_loss",
    en="Target and behavior are swapped.",
    zh="目标策略与行为策略弄反了。",
)
def loss_policies_swapped(target_log_probs, behavior_log_probs, returns, mask):
    log_ratios = (behavior_log_probs.detach() - target_log_probs).where(mask, 0.0)
    return -(log_ratios.sum(dim=1).exp() * returns.detach()).mean()


@mistake(
    "off_policy_loss",
    en="Each trajectory's weight goes with its own return; don't pair them all.",
    zh="每条轨迹的权重只乘自己的回报，不要两两配对。",
)
def loss_every_pair(target_log_probs, behavior_log_probs, returns, mask):
    weights = importance_weights(target_log_probs, behavior_log_probs, mask)
    return -(weights.unsqueeze(1) * returns.detach()).mean()


@mistake(
    "off_policy_loss",
    en="The returns are used as they are, without a baseline.",
    zh="回报按原样使用，不减基线。",
)
def loss_centres_the_returns(target_log_probs, behavior_log_probs, returns, mask):
    weights = importance_weights(target_log_probs, behavior_log_probs, mask)
    return -(weights * (returns - returns.mean()).detach()).mean()


@mistake(
    "off_policy_loss",
    en="The mean of products is not the product of means.",
    zh="乘积的平均不等于平均的乘积。",
)
def loss_product_of_means(target_log_probs, behavior_log_probs, returns, mask):
    weights = importance_weights(target_log_probs, behavior_log_probs, mask)
    return -weights.mean() * returns.detach().mean()


@mistake(
    "off_policy_loss",
    en="The ratios are not clipped here (that is PPO).",
    zh="这里不对比值做截断（那是 PPO）。",
)
def loss_clips(target_log_probs, behavior_log_probs, returns, mask):
    weights = importance_weights(target_log_probs, behavior_log_probs, mask)
    r = returns.detach()
    return -torch.minimum(weights * r, weights.clamp(0.8, 1.2) * r).mean()


@mistake(
    "off_policy_loss",
    en="The whole trajectory's ratio weighs its return, not the ratios of single steps.",
    zh="应以整条轨迹的比值为权重，而不是单步的比值。",
)
def loss_step_ratios(target_log_probs, behavior_log_probs, returns, mask):
    ratios = (target_log_probs - behavior_log_probs.detach()).exp().where(mask, 0.0)
    return -(ratios.sum(dim=1) * returns.detach()).mean()


@mistake(
    "off_policy_loss",
    en="The loss is one number: average over the trajectories.",
    zh="损失是一个数：请对轨迹求平均。",
)
def loss_not_reduced(target_log_probs, behavior_log_probs, returns, mask):
    weights = importance_weights(target_log_probs, behavior_log_probs, mask)
    return -weights * returns.detach()


# --- q_targets ----------------------------------------------------------------------------------


@mistake(
    "q_targets",
    en="A terminated step has nothing after it: Q(s', a') must be left out there.",
    zh="终止步之后什么都没有：此处不应加上 Q(s', a')。",
)
def q_targets_ignore_termination(rewards, next_q_values, terminated, gamma):
    return (rewards + gamma * next_q_values).detach()


@mistake(
    "q_targets",
    en="The mask is inverted: Q(s', a') belongs to the steps that did not terminate.",
    zh="掩码反了：Q(s', a') 应加在没有终止的步上。",
)
def q_targets_mask_inverted(rewards, next_q_values, terminated, gamma):
    return (rewards + gamma * next_q_values * terminated).detach()


@mistake(
    "q_targets",
    en="Where the episode terminated the target is the reward, not 0.",
    zh="终止处的目标是奖励本身，而不是 0。",
)
def q_targets_zero_at_the_end(rewards, next_q_values, terminated, gamma):
    return ((rewards + gamma * next_q_values) * ~terminated).detach()


@mistake(
    "q_targets",
    en="A target is data: it must not carry a gradient.",
    zh="目标是数据，不应带梯度。",
)
def q_targets_keep_gradient(rewards, next_q_values, terminated, gamma):
    return rewards + gamma * next_q_values * ~terminated


@mistake(
    "q_targets",
    en="The value of the next action is discounted by γ.",
    zh="下一动作的价值要乘以折扣 γ。",
)
def q_targets_not_discounted(rewards, next_q_values, terminated, gamma):
    return (rewards + next_q_values * ~terminated).detach()


@mistake(
    "q_targets",
    en="The target uses Q(s', a') of each step's own next action, not the largest of the batch.",
    zh="目标使用每一步自己的 Q(s', a')，而不是批次中的最大值。",
)
def q_targets_maximise(rewards, next_q_values, terminated, gamma):
    return (rewards + gamma * next_q_values.max() * ~terminated).detach()


@mistake(
    "q_targets",
    en="Work on new tensors: the caller still needs the Q values.",
    zh="请在新的张量上操作：调用者还要用 Q 值。",
)
def q_targets_change_the_argument(rewards, next_q_values, terminated, gamma):
    next_q_values = next_q_values.detach()
    next_q_values[terminated] = 0.0
    return (rewards + gamma * next_q_values).detach()


# --- resampled_actor_loss -----------------------------------------------------------------------


@mistake(
    "resampled_actor_loss",
    en="Optimisers descend, but J is to be climbed: the loss needs a minus.",
    zh="优化器做下降，而 J 要上升：损失需要负号。",
)
def resampled_sign(logits, q_values, sampled_actions):
    actions = sampled_actions.unsqueeze(-1)
    log_probs = torch.log_softmax(logits, dim=-1).gather(-1, actions)
    return (log_probs * q_values.detach().gather(-1, actions)).mean()


@mistake(
    "resampled_actor_loss",
    en="The loss is the mean over the batch, not the sum.",
    zh="损失是批次上的平均，而不是求和。",
)
def resampled_sum(logits, q_values, sampled_actions):
    actions = sampled_actions.unsqueeze(-1)
    log_probs = torch.log_softmax(logits, dim=-1).gather(-1, actions)
    return -(log_probs * q_values.detach().gather(-1, actions)).sum()


@mistake(
    "resampled_actor_loss",
    en="The actor's loss must not train the critic: Q is a constant.",
    zh="演员的损失不应训练评论家：Q 是常数。",
)
def resampled_keeps_gradient_of_q(logits, q_values, sampled_actions):
    actions = sampled_actions.unsqueeze(-1)
    log_probs = torch.log_softmax(logits, dim=-1).gather(-1, actions)
    return -(log_probs * q_values.gather(-1, actions)).mean()


@mistake(
    "resampled_actor_loss",
    en="Use Q of the sampled action, not the best Q of the state.",
    zh="应使用所采样动作的 Q，而不是该状态最大的 Q。",
)
def resampled_best_q(logits, q_values, sampled_actions):
    log_probs = torch.log_softmax(logits, -1).gather(-1, sampled_actions.unsqueeze(-1)).squeeze(-1)
    return -(log_probs * q_values.detach().max(dim=-1).values).mean()


@mistake(
    "resampled_actor_loss",
    en="The logits need a softmax, and its logarithm, before one is picked.",
    zh="先对 logits 做 log softmax，再取出对应动作。",
)
def resampled_logits_as_log_probs(logits, q_values, sampled_actions):
    actions = sampled_actions.unsqueeze(-1)
    return -(logits.gather(-1, actions) * q_values.detach().gather(-1, actions)).mean()


@mistake(
    "resampled_actor_loss",
    en="The policy gradient uses log π, not π.",
    zh="策略梯度使用 log π，而不是 π。",
)
def resampled_probabilities(logits, q_values, sampled_actions):
    actions = sampled_actions.unsqueeze(-1)
    probs = torch.softmax(logits, dim=-1).gather(-1, actions)
    return -(probs * q_values.detach().gather(-1, actions)).mean()


@mistake(
    "resampled_actor_loss",
    en="The softmax runs over the actions of a state, not over the batch.",
    zh="softmax 应对一个状态的各动作计算，而不是对批次。",
)
def resampled_softmax_over_batch(logits, q_values, sampled_actions):
    actions = sampled_actions.unsqueeze(-1)
    log_probs = torch.log_softmax(logits, dim=0).gather(-1, actions)
    return -(log_probs * q_values.detach().gather(-1, actions)).mean()


@mistake(
    "resampled_actor_loss",
    en="Pair each state with its own action: don't form a (B, B) matrix.",
    zh="每个状态对应自己的动作：不要形成 (B, B) 矩阵。",
)
def resampled_every_pair(logits, q_values, sampled_actions):
    log_probs = torch.log_softmax(logits, dim=-1).gather(-1, sampled_actions.unsqueeze(-1))
    q = q_values.detach().gather(-1, sampled_actions.unsqueeze(-1)).squeeze(-1)
    return -(log_probs * q).mean()


@mistake(
    "resampled_actor_loss",
    en="Only the sampled actions count, not the sum over all actions.",
    zh="只计算所采样的动作，而不是对所有动作求和。",
)
def resampled_all_actions(logits, q_values, sampled_actions):
    return -(torch.log_softmax(logits, dim=-1) * q_values.detach()).sum(dim=-1).mean()


# --- categorical_kl -----------------------------------------------------------------------------


@mistake(
    "categorical_kl",
    en="The expectation is under p: KL(p ‖ q), not KL(q ‖ p).",
    zh="期望在 p 下计算：是 KL(p‖q)，而不是 KL(q‖p)。",
)
def kl_swapped(p_logits, q_logits):
    log_p, log_q = torch.log_softmax(p_logits, -1), torch.log_softmax(q_logits, -1)
    return (log_q.exp() * (log_q - log_p)).sum(-1)


@mistake(
    "categorical_kl",
    en="log p − log q, not log q − log p: a divergence is never negative.",
    zh="是 log p − log q，不是 log q − log p：散度不会为负。",
)
def kl_sign(p_logits, q_logits):
    log_p, log_q = torch.log_softmax(p_logits, -1), torch.log_softmax(q_logits, -1)
    return (log_p.exp() * (log_q - log_p)).sum(-1)


@mistake(
    "categorical_kl",
    en="Sum over the actions; don't average.",
    zh="对动作求和，而不是取平均。",
)
def kl_mean_over_actions(p_logits, q_logits):
    log_p, log_q = torch.log_softmax(p_logits, -1), torch.log_softmax(q_logits, -1)
    return (log_p.exp() * (log_p - log_q)).mean(-1)


@mistake(
    "categorical_kl",
    en="One number a row is asked for: only the action axis is summed.",
    zh="每行一个数：只对动作轴求和。",
)
def kl_reduced_to_a_scalar(p_logits, q_logits):
    log_p, log_q = torch.log_softmax(p_logits, -1), torch.log_softmax(q_logits, -1)
    return (log_p.exp() * (log_p - log_q)).sum(-1).mean()


@mistake(
    "categorical_kl",
    en="F.kl_div(log p, q) is KL(q ‖ p): write the sum out, or swap its arguments.",
    zh="F.kl_div(log p, q) 计算的是 KL(q‖p)：请直接写出求和式，或交换参数。",
)
def kl_div_defaults(p_logits, q_logits):
    log_p, q = torch.log_softmax(p_logits, -1), torch.softmax(q_logits, -1)
    return torch.nn.functional.kl_div(log_p, q, reduction="none")


@mistake(
    "categorical_kl",
    en="The logits need a softmax first: the level of the logits must not matter.",
    zh="logits 要先做 softmax：logits 的整体平移不应有影响。",
)
def kl_of_logits(p_logits, q_logits):
    return (torch.softmax(p_logits, -1) * (p_logits - q_logits)).sum(-1)


@mistake(
    "categorical_kl",
    en="This is the cross-entropy: subtract the entropy of p.",
    zh="这是交叉熵：还要减去 p 的熵。",
)
def kl_cross_entropy(p_logits, q_logits):
    return -(torch.softmax(p_logits, -1) * torch.log_softmax(q_logits, -1)).sum(-1)


@mistake(
    "categorical_kl",
    en="The softmax runs over the last axis, the actions.",
    zh="softmax 应在最后一个轴（动作）上计算。",
)
def kl_softmax_over_rows(p_logits, q_logits):
    log_p, log_q = torch.log_softmax(p_logits, 0), torch.log_softmax(q_logits, 0)
    return (log_p.exp() * (log_p - log_q)).sum(-1)


# --- fisher_matrix ------------------------------------------------------------------------------


@mistake(
    "fisher_matrix",
    en="An expectation is a mean over the M samples, not a sum.",
    zh="期望是对 M 个样本的平均，而不是求和。",
)
def fisher_sum(scores):
    return scores.T @ scores


@mistake(
    "fisher_matrix",
    en="The outer product of a row is P × P: scoresᵀ scores, not scores scoresᵀ.",
    zh="一行的外积是 P × P：scoresᵀ scores，而不是 scores scoresᵀ。",
)
def fisher_gram(scores):
    return scores @ scores.T / len(scores)


@mistake(
    "fisher_matrix",
    en="The Fisher matrix is no covariance of the samples: don't subtract their mean.",
    zh="Fisher 矩阵不是样本协方差：不要减去均值。",
)
def fisher_covariance(scores):
    centred = scores - scores.mean(dim=0)
    return centred.T @ centred / len(scores)


@mistake(
    "fisher_matrix",
    en="Divide by M, not by M − 1.",
    zh="应除以 M，而不是 M − 1。",
)
def fisher_unbiased(scores):
    return scores.T @ scores / max(len(scores) - 1, 1)


@mistake(
    "fisher_matrix",
    en="The mean of outer products is not the outer product of the mean.",
    zh="外积的平均不等于均值的外积。",
)
def fisher_of_the_mean(scores):
    return torch.outer(scores.mean(dim=0), scores.mean(dim=0))


@mistake(
    "fisher_matrix",
    en="The parameters influence each other: keep the entries off the diagonal.",
    zh="参数之间相互影响：要保留非对角元素。",
)
def fisher_diagonal(scores):
    return torch.diag(scores.square().mean(dim=0))


@mistake(
    "fisher_matrix",
    en="Divide by the number of samples M, not by the number of parameters P.",
    zh="应除以样本数 M，而不是参数个数 P。",
)
def fisher_divided_by_parameters(scores):
    return scores.T @ scores / scores.shape[1]


# --- natural_gradient ---------------------------------------------------------------------------


def _damped(fisher, damping):
    return fisher + damping * torch.eye(len(fisher), dtype=fisher.dtype)


@mistake(
    "natural_gradient",
    en="The system is solved with F, not multiplied by it.",
    zh="应求解以 F 为系数的方程组，而不是乘以 F。",
)
def natural_multiplies(gradient, fisher, damping):
    return _damped(fisher, damping) @ gradient


@mistake(
    "natural_gradient",
    en="The damping is missing: a Fisher matrix from samples may be singular.",
    zh="缺少阻尼：由样本得到的 Fisher 矩阵可能是奇异的。",
)
def natural_without_damping(gradient, fisher, damping):
    return torch.linalg.lstsq(fisher, gradient.unsqueeze(1)).solution.squeeze(1)


@mistake(
    "natural_gradient",
    en="The damping goes on the diagonal only (damping · I).",
    zh="阻尼只加在对角线上（damping · I）。",
)
def natural_damps_everywhere(gradient, fisher, damping):
    return torch.linalg.pinv(fisher + damping) @ gradient


@mistake(
    "natural_gradient",
    en="Off the diagonal F counts, too: solve with the whole matrix.",
    zh="F 的非对角元素也要计入：请用整个矩阵求解。",
)
def natural_diagonal_only(gradient, fisher, damping):
    return gradient / (torch.diagonal(fisher) + damping)


@mistake(
    "natural_gradient",
    en="The direction climbs: there is no minus.",
    zh="这是上升方向：没有负号。",
)
def natural_sign(gradient, fisher, damping):
    return -torch.linalg.solve(_damped(fisher, damping), gradient)


@mistake(
    "natural_gradient",
    en="The direction is not normalised.",
    zh="方向不要归一化。",
)
def natural_normalised(gradient, fisher, damping):
    direction = torch.linalg.solve(_damped(fisher, damping), gradient)
    return direction / direction.norm()


@mistake(
    "natural_gradient",
    en="This is the plain gradient: F is not used.",
    zh="这是普通梯度：没有用到 F。",
)
def natural_is_plain(gradient, fisher, damping):
    return gradient / (1.0 + damping)


# --- kl_constrained_step ------------------------------------------------------------------------


def _length(direction, fisher, damping):
    """dᵀ(F + damping · I)d."""
    return direction @ (fisher + damping * torch.eye(len(fisher), dtype=fisher.dtype)) @ direction


@mistake(
    "kl_constrained_step",
    en="KL grows with the square of the step: the factor is a square root.",
    zh="KL 随步长的平方增长：缩放因子要开平方根。",
)
def step_without_root(gradient, fisher, kl_limit, damping):
    direction = natural_gradient(gradient, fisher, damping)
    return direction * (2.0 * kl_limit / _length(direction, fisher, damping))


@mistake(
    "kl_constrained_step",
    en="The constraint has a ½: the factor is √(2c / dᵀFd).",
    zh="约束中有 ½：缩放因子是 √(2c / dᵀFd)。",
)
def step_without_two(gradient, fisher, kl_limit, damping):
    direction = natural_gradient(gradient, fisher, damping)
    return direction * (kl_limit / _length(direction, fisher, damping)).sqrt()


@mistake(
    "kl_constrained_step",
    en="The damping belongs to the length as well as to the direction.",
    zh="阻尼既影响方向，也影响长度。",
)
def step_measured_without_damping(gradient, fisher, kl_limit, damping):
    direction = natural_gradient(gradient, fisher, damping)
    return direction * (2.0 * kl_limit / _length(direction, fisher, 0.0)).sqrt()


@mistake(
    "kl_constrained_step",
    en="The step is measured with F, not with the Euclidean norm.",
    zh="步长用 F 来度量，而不是欧氏范数。",
)
def step_in_euclidean_length(gradient, fisher, kl_limit, damping):
    direction = natural_gradient(gradient, fisher, damping)
    return direction * (2.0 * kl_limit / (direction @ direction)).sqrt()


@mistake(
    "kl_constrained_step",
    en="The step follows the natural gradient, not the plain one.",
    zh="应沿自然梯度方向，而不是普通梯度方向。",
)
def step_along_the_plain_gradient(gradient, fisher, kl_limit, damping):
    return gradient * (2.0 * kl_limit / _length(gradient, fisher, damping)).sqrt()


@mistake(
    "kl_constrained_step",
    en="The length is that of the step d, not of the gradient g.",
    zh="长度应针对更新量 d，而不是梯度 g。",
)
def step_measures_the_gradient(gradient, fisher, kl_limit, damping):
    direction = natural_gradient(gradient, fisher, damping)
    return direction * (2.0 * kl_limit / _length(gradient, fisher, damping)).sqrt()


@mistake(
    "kl_constrained_step",
    en="The step climbs: there is no minus.",
    zh="这一步是上升：没有负号。",
)
def step_sign(gradient, fisher, kl_limit, damping):
    direction = natural_gradient(gradient, fisher, damping)
    return -direction * (2.0 * kl_limit / _length(direction, fisher, damping)).sqrt()


@mistake(
    "kl_constrained_step",
    en="The whole limit is used: the step is scaled up as well as down.",
    zh="要用满限制：步长既可能放大，也可能缩小。",
)
def step_only_shrinks(gradient, fisher, kl_limit, damping):
    direction = natural_gradient(gradient, fisher, damping)
    factor = (2.0 * kl_limit / _length(direction, fisher, damping)).sqrt()
    return direction * factor.clamp(max=1.0)


@mistake(
    "kl_constrained_step",
    en="Without scaling this is the natural gradient, not yet the step.",
    zh="没有缩放的只是自然梯度，还不是更新量。",
)
def step_not_scaled(gradient, fisher, kl_limit, damping):
    return natural_gradient(gradient, fisher, damping)


# --- finite_difference_gradient -----------------------------------------------------------------


@mistake(
    "finite_difference_gradient",
    en="Central differences are asked for: move to both sides.",
    zh="要求中心差分：向两侧各移动一次。",
)
def differences_forward(objective, theta, epsilon):
    steps = epsilon * np.eye(len(theta))
    return np.array([(objective(theta + s) - objective(theta)) / epsilon for s in steps])


@mistake(
    "finite_difference_gradient",
    en="The two points are 2ε apart: divide by 2ε.",
    zh="两点相距 2ε：应除以 2ε。",
)
def differences_divided_by_epsilon(objective, theta, epsilon):
    steps = epsilon * np.eye(len(theta))
    return np.array([(objective(theta + s) - objective(theta - s)) / epsilon for s in steps])


@mistake(
    "finite_difference_gradient",
    en="The points lie ε away to either side, not ε/2.",
    zh="两点各偏离 ε，而不是 ε/2。",
)
def differences_half_a_step(objective, theta, epsilon):
    steps = 0.5 * epsilon * np.eye(len(theta))
    return np.array([(objective(theta + s) - objective(theta - s)) / epsilon for s in steps])


@mistake(
    "finite_difference_gradient",
    en="The gradient points uphill: f(θ + ε) − f(θ − ε).",
    zh="梯度指向上升方向：f(θ + ε) − f(θ − ε)。",
)
def differences_sign(objective, theta, epsilon):
    steps = epsilon * np.eye(len(theta))
    return np.array([(objective(theta - s) - objective(theta + s)) / (2 * epsilon) for s in steps])


@mistake(
    "finite_difference_gradient",
    en="One coordinate moves at a time: put the others back.",
    zh="每次只移动一个坐标：其他坐标要恢复原值。",
)
def differences_do_not_step_back(objective, theta, epsilon):
    theta, gradient = theta.copy(), np.zeros_like(theta)
    for i in range(len(theta)):
        theta[i] += epsilon
        above = objective(theta)
        theta[i] -= 2 * epsilon
        gradient[i] = (above - objective(theta)) / (2 * epsilon)
    return gradient


@mistake(
    "finite_difference_gradient",
    en="One coordinate moves at a time, not all of them together.",
    zh="每次只移动一个坐标，而不是所有坐标一起移动。",
)
def differences_all_at_once(objective, theta, epsilon):
    slope = (objective(theta + epsilon) - objective(theta - epsilon)) / (2 * epsilon)
    return np.full_like(theta, slope)


@mistake(
    "finite_difference_gradient",
    en="Move a copy: the caller's θ must stay as it is.",
    zh="请移动副本：调用者的 θ 不能改变。",
)
def differences_change_the_argument(objective, theta, epsilon):
    gradient = np.zeros_like(theta)
    for i in range(len(theta)):
        theta[i] += epsilon
        above = objective(theta)
        theta[i] -= 2 * epsilon
        gradient[i] = (above - objective(theta)) / (2 * epsilon)
        theta[i] += 2 * epsilon
    return gradient


# --- cross_entropy_method -----------------------------------------------------------------------


@mistake(
    "cross_entropy_method",
    en="The standard deviation is that of the elite itself (ddof 0): with ddof 1 an elite of one has none.",
    zh="标准差是精英样本自身的标准差（ddof 0）：用 ddof 1 时，只有一个精英样本就没有标准差。",
)
def cem_with_ddof_1(objective, mean, std, population, n_elite, iterations, rng):
    for _ in range(iterations):
        samples = mean + std * rng.standard_normal((population, len(mean)))
        scores = np.array([objective(sample) for sample in samples])
        elite = samples[np.argsort(scores)[-n_elite:]]
        deviations = elite - elite.mean(axis=0)
        with np.errstate(invalid="ignore"):
            mean, std = (
                elite.mean(axis=0),
                np.sqrt((deviations**2).sum(axis=0) / np.float64(n_elite - 1)),
            )
    return mean


@mistake(
    "cross_entropy_method",
    en="The objective is to be maximised: the elite are the highest scores.",
    zh="目标是最大化：精英样本是得分最高的。",
)
def cem_minimises(objective, mean, std, population, n_elite, iterations, rng):
    for _ in range(iterations):
        samples = mean + std * rng.standard_normal((population, len(mean)))
        scores = np.array([objective(sample) for sample in samples])
        elite = samples[np.argsort(scores)[:n_elite]]
        mean, std = elite.mean(axis=0), elite.std(axis=0)
    return mean


@mistake(
    "cross_entropy_method",
    en="The standard deviation is refitted, too; otherwise the search never narrows.",
    zh="标准差也要重新估计，否则搜索范围不会缩小。",
)
def cem_keeps_std(objective, mean, std, population, n_elite, iterations, rng):
    for _ in range(iterations):
        samples = mean + std * rng.standard_normal((population, len(mean)))
        scores = np.array([objective(sample) for sample in samples])
        mean = samples[np.argsort(scores)[-n_elite:]].mean(axis=0)
    return mean


@mistake(
    "cross_entropy_method",
    en="The mean is refitted, too; only then the search moves.",
    zh="均值也要重新估计，搜索才会移动。",
)
def cem_keeps_mean(objective, mean, std, population, n_elite, iterations, rng):
    for _ in range(iterations):
        samples = mean + std * rng.standard_normal((population, len(mean)))
        scores = np.array([objective(sample) for sample in samples])
        std = samples[np.argsort(scores)[-n_elite:]].std(axis=0)
    return mean


@mistake(
    "cross_entropy_method",
    en="Fit to the elite, not to the whole population.",
    zh="应按精英样本估计，而不是整个种群。",
)
def cem_fits_everybody(objective, mean, std, population, n_elite, iterations, rng):
    for _ in range(iterations):
        samples = mean + std * rng.standard_normal((population, len(mean)))
        mean, std = samples.mean(axis=0), samples.std(axis=0)
    return mean


@mistake(
    "cross_entropy_method",
    en="The elite are the best samples, not the first ones.",
    zh="精英是得分最高的样本，而不是最前面的几个。",
)
def cem_does_not_sort(objective, mean, std, population, n_elite, iterations, rng):
    for _ in range(iterations):
        samples = mean + std * rng.standard_normal((population, len(mean)))
        elite = samples[:n_elite]
        mean, std = elite.mean(axis=0), elite.std(axis=0)
    return mean


@mistake(
    "cross_entropy_method",
    en="Scale the noise with the standard deviation, not with the variance.",
    zh="噪声要乘以标准差，而不是方差。",
)
def cem_scales_with_the_variance(objective, mean, std, population, n_elite, iterations, rng):
    for _ in range(iterations):
        samples = mean + std * rng.standard_normal((population, len(mean)))
        scores = np.array([objective(sample) for sample in samples])
        elite = samples[np.argsort(scores)[-n_elite:]]
        mean, std = elite.mean(axis=0), elite.var(axis=0)
    return mean


@mistake(
    "cross_entropy_method",
    en="Each coordinate has its own standard deviation (axis=0).",
    zh="每个坐标有自己的标准差（axis=0）。",
)
def cem_one_std_for_all(objective, mean, std, population, n_elite, iterations, rng):
    for _ in range(iterations):
        samples = mean + std * rng.standard_normal((population, len(mean)))
        scores = np.array([objective(sample) for sample in samples])
        elite = samples[np.argsort(scores)[-n_elite:]]
        mean, std = elite.mean(axis=0), elite.std()
    return mean


@mistake(
    "cross_entropy_method",
    en="The mean of the last Gaussian is asked for, not the best sample.",
    zh="返回最后一个高斯分布的均值，而不是最好的样本。",
)
def cem_returns_the_best_sample(objective, mean, std, population, n_elite, iterations, rng):
    for _ in range(iterations):
        samples = mean + std * rng.standard_normal((population, len(mean)))
        scores = np.array([objective(sample) for sample in samples])
        elite = samples[np.argsort(scores)[-n_elite:]]
        mean, std = elite.mean(axis=0), elite.std(axis=0)
    return samples[scores.argmax()]


@mistake(
    "cross_entropy_method",
    en="The samples are drawn around the mean: add it.",
    zh="样本应以均值为中心：请加上均值。",
)
def cem_samples_around_zero(objective, mean, std, population, n_elite, iterations, rng):
    for _ in range(iterations):
        samples = std * rng.standard_normal((population, len(mean)))
        scores = np.array([objective(sample) for sample in samples])
        elite = samples[np.argsort(scores)[-n_elite:]]
        mean, std = elite.mean(axis=0), elite.std(axis=0)
    return mean


@mistake(
    "cross_entropy_method",
    en="Repeat for all iterations, not once only.",
    zh="要重复全部迭代，而不只是一次。",
)
def cem_iterates_once(objective, mean, std, population, n_elite, iterations, rng):
    samples = mean + std * rng.standard_normal((population, len(mean)))
    scores = np.array([objective(sample) for sample in samples])
    return samples[np.argsort(scores)[-n_elite:]].mean(axis=0)


# --- genetic_search -----------------------------------------------------------------------------


def _evolve(objective, population, n_parents, mutation_std, generations, rng, sign=1, elite=1):
    """A right search when sign = elite = 1, for mistakes to spoil: the last population and its scores."""
    size, dimensions = population.shape
    scores = np.array([objective(individual) for individual in population])
    for _ in range(generations):
        order = np.argsort(sign * scores)
        parents = population[order[-n_parents:]]
        children = parents[rng.integers(n_parents, size=size - elite)]
        children = children + mutation_std * rng.standard_normal(children.shape)
        population = np.vstack([population[order[size - elite :]], children])
        scores = np.array([objective(individual) for individual in population])
    return population, scores


@mistake(
    "genetic_search",
    en="The objective is to be maximised: select the highest scores.",
    zh="目标是最大化：应选得分最高的个体。",
)
def genetic_minimises(objective, population, n_parents, mutation_std, generations, rng):
    last, scores = _evolve(
        objective, population, n_parents, mutation_std, generations, rng, sign=-1
    )
    return last[scores.argmin()]


@mistake(
    "genetic_search",
    en="The best so far must survive unchanged; otherwise mutation loses it.",
    zh="目前最好的个体必须原样保留，否则变异会把它丢掉。",
)
def genetic_loses_the_best(objective, population, n_parents, mutation_std, generations, rng):
    last, scores = _evolve(
        objective, population, n_parents, mutation_std, generations, rng, elite=0
    )
    return last[scores.argmax()]


@mistake(
    "genetic_search",
    en="Children differ from their parents: add the mutation.",
    zh="后代应与父母不同：请加上变异。",
)
def genetic_without_mutation(objective, population, n_parents, mutation_std, generations, rng):
    last, scores = _evolve(objective, population, n_parents, 0.0, generations, rng)
    return last[scores.argmax()]


@mistake(
    "genetic_search",
    en="Parents are the best individuals, not random ones.",
    zh="父母应是最好的个体，而不是随机挑选的。",
)
def genetic_without_selection(objective, population, n_parents, mutation_std, generations, rng):
    best = max(population, key=objective)
    for _ in range(generations):
        parents = population[rng.integers(len(population), size=len(population))]
        population = parents + mutation_std * rng.standard_normal(parents.shape)
        best = max([best, *population], key=objective)
    return best


@mistake(
    "genetic_search",
    en="Everybody has children here; select the n_parents best as parents.",
    zh="这里所有个体都有后代；应只选出最好的 n_parents 个作为父代。",
)
def genetic_climbs_one_by_one(objective, population, n_parents, mutation_std, generations, rng):
    population = population.copy()
    for _ in range(generations):
        for i, parent in enumerate(population):
            child = parent + mutation_std * rng.standard_normal(len(parent))
            if objective(child) > objective(parent):
                population[i] = child
    return max(population, key=objective).copy()


@mistake(
    "genetic_search",
    en="Everybody has children here; select the n_parents best as parents.",
    zh="这里所有个体都有后代；应只选出最好的 n_parents 个作为父代。",
)
def genetic_breeds_from_all(objective, population, n_parents, mutation_std, generations, rng):
    for _ in range(generations):
        best = max(population, key=objective)
        parents = population[rng.integers(len(population), size=len(population) - 1)]
        children = parents + mutation_std * rng.standard_normal(parents.shape)
        population = np.vstack([best, children])
    return max(population, key=objective).copy()


@mistake(
    "genetic_search",
    en="mutation_std is a standard deviation: don't square it.",
    zh="mutation_std 是标准差：不要取平方。",
)
def genetic_mutates_by_the_variance(
    objective, population, n_parents, mutation_std, generations, rng
):
    last, scores = _evolve(objective, population, n_parents, mutation_std**2, generations, rng)
    return last[scores.argmax()]


@mistake(
    "genetic_search",
    en="mutation_std is a standard deviation: don't take its root.",
    zh="mutation_std 是标准差：不要开平方根。",
)
def genetic_mutates_by_the_root(objective, population, n_parents, mutation_std, generations, rng):
    last, scores = _evolve(objective, population, n_parents, mutation_std**0.5, generations, rng)
    return last[scores.argmax()]


@mistake(
    "genetic_search",
    en="The best individual is asked for, not the mean of the last generation.",
    zh="返回最好的个体，而不是最后一代的平均。",
)
def genetic_returns_the_mean(objective, population, n_parents, mutation_std, generations, rng):
    last, _ = _evolve(objective, population, n_parents, mutation_std, generations, rng)
    return last.mean(axis=0)


@mistake(
    "genetic_search",
    en="Each generation starts from the last one, not from the first population.",
    zh="每一代都从上一代开始，而不是从初始种群开始。",
)
def genetic_starts_over(objective, population, n_parents, mutation_std, generations, rng):
    best = max(population, key=objective)
    for _ in range(generations):
        last, scores = _evolve(objective, population, n_parents, mutation_std, 1, rng)
        best = max(best, last[scores.argmax()], key=objective)
    return best


@mistake(
    "genetic_search",
    en="Work on a copy: the caller's population must stay as it is.",
    zh="请在副本上操作：调用者的种群不能改变。",
)
def genetic_changes_the_argument(objective, population, n_parents, mutation_std, generations, rng):
    last, scores = _evolve(objective, population, n_parents, mutation_std, generations, rng)
    population[:] = last
    return last[scores.argmax()]
