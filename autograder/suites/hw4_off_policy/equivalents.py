"""Right answers to homework 4 that are written differently."""

from autograder.grading.variants import equivalent

# --- off_policy.py ------------------------------------------------------------------------------


@equivalent("importance_weights")
def weights_as_product(target_log_probs, behavior_log_probs, mask):
    ratios = torch.exp(target_log_probs - behavior_log_probs.detach())
    return torch.where(mask, ratios, torch.ones_like(ratios)).prod(dim=1)


@equivalent("importance_weights")
def weights_with_float_mask(target_log_probs, behavior_log_probs, mask):
    difference = (target_log_probs - behavior_log_probs.detach()) * mask.float()
    return torch.exp(difference.sum(-1))


@equivalent("importance_weights")
def weights_row_by_row(target_log_probs, behavior_log_probs, mask):
    rows = []
    for target, behavior, real in zip(target_log_probs, behavior_log_probs.detach(), mask):
        rows.append((target[real].sum() - behavior[real].sum()).exp())
    return torch.stack(rows)


@equivalent("off_policy_loss")
def loss_written_out(target_log_probs, behavior_log_probs, returns, mask):
    difference = (target_log_probs - behavior_log_probs.detach()).masked_fill(~mask, 0.0)
    return -torch.dot(difference.sum(1).exp(), returns.detach()) / returns.shape[0]


@equivalent("off_policy_loss")
def loss_with_constant_part(target_log_probs, behavior_log_probs, returns, mask):
    weights = importance_weights(target_log_probs, behavior_log_probs, mask)
    with torch.no_grad():
        share = -returns / len(returns)
    return (weights * share).sum()


@equivalent("off_policy_loss")
def loss_through_log_derivative(target_log_probs, behavior_log_probs, returns, mask):
    # ∇ρ = ρ Σ ∇log π: the value of ρ, with this gradient written by hand.
    weights = importance_weights(target_log_probs, behavior_log_probs, mask).detach()
    log_probs = target_log_probs.masked_fill(~mask, 0.0).sum(dim=1)
    surrogate = weights * (1.0 + log_probs - log_probs.detach())
    return -(surrogate * returns.detach()).mean()


@equivalent("q_targets")
@torch.no_grad()
def q_targets_where(rewards, next_q_values, terminated, gamma):
    return torch.where(terminated, rewards, rewards + gamma * next_q_values)


@equivalent("q_targets")
def q_targets_float_mask(rewards, next_q_values, terminated, gamma):
    return rewards.detach() + gamma * (1.0 - terminated.float()) * next_q_values.detach()


@equivalent("q_targets")
def q_targets_filled(rewards, next_q_values, terminated, gamma):
    return (rewards + next_q_values.masked_fill(terminated, 0.0).mul(gamma)).detach()


@equivalent("resampled_actor_loss")
def resampled_categorical(logits, q_values, sampled_actions):
    log_probs = torch.distributions.Categorical(logits=logits).log_prob(sampled_actions)
    rows = torch.arange(len(logits))
    return -(log_probs * q_values.detach()[rows, sampled_actions]).mean()


@equivalent("resampled_actor_loss")
def resampled_cross_entropy(logits, q_values, sampled_actions):
    surprise = torch.nn.functional.cross_entropy(logits, sampled_actions, reduction="none")
    return (surprise * q_values.detach().gather(1, sampled_actions[:, None])[:, 0]).mean()


@equivalent("resampled_actor_loss")
def resampled_one_hot(logits, q_values, sampled_actions):
    taken = torch.nn.functional.one_hot(sampled_actions, logits.shape[1])
    log_pi = logits - logits.logsumexp(dim=1, keepdim=True)
    return -(taken * log_pi * q_values.detach()).sum() / len(logits)


# --- natural_gradient.py ------------------------------------------------------------------------


@equivalent("categorical_kl")
def kl_distributions(p_logits, q_logits):
    p, q = (torch.distributions.Categorical(logits=logits) for logits in (p_logits, q_logits))
    return torch.distributions.kl_divergence(p, q)


@equivalent("categorical_kl")
def kl_functional(p_logits, q_logits):
    log_p, log_q = torch.log_softmax(p_logits, -1), torch.log_softmax(q_logits, -1)
    return torch.nn.functional.kl_div(log_q, log_p, reduction="none", log_target=True).sum(-1)


@equivalent("categorical_kl")
def kl_of_probabilities(p_logits, q_logits):
    p, q = torch.softmax(p_logits, -1), torch.softmax(q_logits, -1)
    return torch.einsum("...a,...a->...", p, (p / q).log())


@equivalent("fisher_matrix")
def fisher_einsum(scores):
    return torch.einsum("mp,mq->pq", scores, scores) / scores.shape[0]


@equivalent("fisher_matrix")
def fisher_outer(scores):
    return torch.stack([torch.outer(score, score) for score in scores]).mean(dim=0)


@equivalent("fisher_matrix")
def fisher_broadcast(scores):
    return (scores.unsqueeze(2) * scores.unsqueeze(1)).mean(0)


@equivalent("natural_gradient")
def natural_inverse(gradient, fisher, damping):
    return (
        torch.inverse(fisher + damping * torch.eye(fisher.shape[0], dtype=fisher.dtype)) @ gradient
    )


@equivalent("natural_gradient")
def natural_cholesky(gradient, fisher, damping):
    root = torch.linalg.cholesky(fisher + torch.diag(torch.full_like(gradient, damping)))
    return torch.cholesky_solve(gradient.unsqueeze(-1), root).squeeze(-1)


@equivalent("natural_gradient")
def natural_eigenvectors(gradient, fisher, damping):
    values, vectors = torch.linalg.eigh(fisher)
    return vectors @ ((vectors.T @ gradient) / (values + damping))


@equivalent("natural_gradient")
def natural_conjugate_gradients(gradient, fisher, damping):
    x, residual = torch.zeros_like(gradient), gradient.clone()
    direction = residual.clone()
    for _ in range(2 * len(gradient)):
        image = fisher @ direction + damping * direction
        alpha = residual @ residual / (direction @ image + 1e-30)
        x, old = x + alpha * direction, residual
        residual = residual - alpha * image
        direction = residual + (residual @ residual) / (old @ old + 1e-30) * direction
    return x


@equivalent("kl_constrained_step")
def step_by_gradient(gradient, fisher, kl_limit, damping):
    direction = natural_gradient(gradient, fisher, damping)
    return direction * torch.sqrt(2 * kl_limit / torch.dot(gradient, direction))


@equivalent("kl_constrained_step")
def step_written_out(gradient, fisher, kl_limit, damping):
    damped = fisher + damping * torch.eye(len(fisher), dtype=fisher.dtype)
    direction = torch.linalg.inv(damped) @ gradient
    kl = 0.5 * direction @ damped @ direction
    return direction * (kl_limit / kl) ** 0.5


@equivalent("kl_constrained_step")
def step_through_eigenvectors(gradient, fisher, kl_limit, damping):
    values, vectors = torch.linalg.eigh(fisher)
    stretched = (vectors.T @ gradient) / (values + damping).sqrt()
    unit = stretched / stretched.norm()
    return (2.0 * kl_limit) ** 0.5 * vectors @ (unit / (values + damping).sqrt())


# --- gradient_free.py ---------------------------------------------------------------------------


@equivalent("finite_difference_gradient")
def differences_over_identity(objective, theta, epsilon):
    basis = np.eye(theta.size)
    above = np.array([objective(theta + epsilon * e) for e in basis])
    below = np.array([objective(theta - epsilon * e) for e in basis])
    return (above - below) / 2 / epsilon


@equivalent("finite_difference_gradient")
def differences_on_copies(objective, theta, epsilon):
    gradient = []
    for i in range(theta.shape[0]):
        plus, minus = theta.copy(), theta.copy()
        plus[i], minus[i] = plus[i] + epsilon, minus[i] - epsilon
        gradient.append(0.5 * (objective(plus) - objective(minus)) / epsilon)
    return np.asarray(gradient)


@equivalent("finite_difference_gradient")
def differences_as_mean_of_two(objective, theta, epsilon):
    here, gradient = objective(theta), np.empty(len(theta))
    for i, step in enumerate(np.diag(np.full(len(theta), epsilon))):
        forward = (objective(theta + step) - here) / epsilon
        backward = (here - objective(theta - step)) / epsilon
        gradient[i] = (forward + backward) / 2
    return gradient


@equivalent("cross_entropy_method")
def cem_with_rng_normal(objective, mean, std, population, n_elite, iterations, rng):
    for _ in range(iterations):
        samples = rng.normal(mean, std, size=(population, mean.size))
        ranked = sorted(samples, key=objective, reverse=True)
        elite = np.stack(ranked[:n_elite])
        mean = elite.mean(0)
        std = elite.std(0) + 1e-8
    return mean


@equivalent("cross_entropy_method")
def cem_sample_by_sample(objective, mean, std, population, n_elite, iterations, rng):
    mean, std = mean.copy(), std.copy()
    for _ in range(iterations):
        scored = []
        for _ in range(population):
            x = np.array([rng.normal(m, s) for m, s in zip(mean, std)])
            scored.append((objective(x), x))
        scored.sort(key=lambda pair: pair[0])
        elite = np.array([x for _, x in scored[len(scored) - n_elite :]])
        mean = elite.sum(axis=0) / n_elite
        std = np.sqrt(((elite - mean) ** 2).sum(axis=0) / n_elite)
    return mean


@equivalent("cross_entropy_method")
def cem_with_partition(objective, mean, std, population, n_elite, iterations, rng):
    for _ in range(iterations):
        samples = rng.multivariate_normal(mean, np.diag(std**2), size=population)
        losses = np.fromiter((-objective(x) for x in samples), dtype=float)
        elite = samples[np.argpartition(losses, n_elite - 1)[:n_elite]]
        mean, std = elite.mean(axis=0), np.sqrt(elite.var(axis=0))
    return mean


@equivalent("genetic_search")
def genetic_mutation_only(objective, population, n_parents, mutation_std, generations, rng):
    best, best_score = None, -np.inf
    for generation in range(generations + 1):
        scores = np.array([objective(x) for x in population])
        if scores.max() > best_score:
            best, best_score = population[scores.argmax()].copy(), scores.max()
        if generation == generations:
            return best
        parents = population[np.argsort(-scores)[:n_parents]]
        chosen = parents[rng.choice(n_parents, size=len(population))]
        population = chosen + rng.normal(0.0, mutation_std, size=chosen.shape)


@equivalent("genetic_search")
def genetic_keeps_all_parents(objective, population, n_parents, mutation_std, generations, rng):
    people = [(objective(x), x) for x in population]
    for _ in range(generations):
        people.sort(key=lambda pair: pair[0], reverse=True)
        parents = people[:n_parents]
        children = []
        while len(parents) + len(children) < len(population):
            _, parent = parents[rng.integers(len(parents))]
            child = parent + mutation_std * rng.standard_normal(parent.shape)
            children.append((objective(child), child))
        people = parents + children
    return max(people, key=lambda pair: pair[0])[1]


@equivalent("genetic_search")
def genetic_with_averaging(objective, population, n_parents, mutation_std, generations, rng):
    scores = np.array([objective(x) for x in population])
    for _ in range(generations):
        order = np.argsort(scores)[::-1]
        parents, best, best_score = (
            population[order[:n_parents]],
            population[order[0]],
            scores[order[0]],
        )
        mothers = parents[rng.integers(n_parents, size=len(population) - 1)]
        fathers = parents[rng.integers(n_parents, size=len(population) - 1)]
        children = (mothers + fathers) / 2 + rng.normal(scale=mutation_std, size=mothers.shape)
        population = np.concatenate([best[None], children])
        scores = np.concatenate([[best_score], [objective(x) for x in children]])
    return population[np.argmax(scores)]
