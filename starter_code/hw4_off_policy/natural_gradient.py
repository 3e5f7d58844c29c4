"""Steps measured in policies, not in parameters (lecture: KL divergence, Fisher matrix, natural gradient).

P is the number of parameters, M the number of sampled scores ∇log π.
"""

import torch


def categorical_kl(p_logits, q_logits):
    """KL(p ‖ q) = Σ_a p(a) [log p(a) − log q(a)] of two softmax distributions.

    Args:
        p_logits, q_logits: (..., A); differentiable in both.

    Returns:
        (...)
    """
    # TODO categorical_kl (lecture: KL(π_θ ‖ π_θ') = E_{π_θ}[log π_θ] − E_{π_θ}[log π_θ'])
    # Both expectations are under p. Sum over the actions and keep every other axis.
    raise NotImplementedError("categorical_kl")


def fisher_matrix(scores):
    """F = (1/M) Σ ∇log π ∇log πᵀ.

    Args:
        scores: (M, P), one ∇log π(a|s) a row.

    Returns:
        (P, P)
    """
    # TODO fisher_matrix (lecture: F = E_π[∇log π ∇log πᵀ])
    # An average over the M rows of their outer products.
    raise NotImplementedError("fisher_matrix")


def natural_gradient(gradient, fisher, damping):
    """(F + damping · I)⁻¹ g.

    Args:
        gradient: (P,) g = ∇J.
        fisher: (P, P) F.
        damping: a float that keeps the system solvable when F, made from samples, is singular.

    Returns:
        (P,)
    """
    # TODO natural_gradient (lecture: d = (1/λ) F⁻¹ ∇J, here without the 1/λ)
    # Solve the linear system rather than inverting the matrix.
    raise NotImplementedError("natural_gradient")


def kl_constrained_step(gradient, fisher, kl_limit, damping):
    """The natural direction, as long as the trust region allows: ½ dᵀ(F + damping · I)d = kl_limit.

    Args:
        gradient, fisher, damping: as in `natural_gradient`.
        kl_limit: the lecture's constant c, how far (in KL divergence) the policy may move.

    Returns:
        (P,) the step d to add to the parameters.
    """
    # TODO kl_constrained_step (lecture: KL(π_θ ‖ π_{θ+d}) ≈ ½ dᵀ F d = c)
    # KL grows with the square of the step: which factor makes the constraint hold exactly?
    raise NotImplementedError("kl_constrained_step")
