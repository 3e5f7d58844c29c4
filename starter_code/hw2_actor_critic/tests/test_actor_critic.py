"""Public tests of actor_critic.py: small examples that you can check by hand.

Run one question with `python -m pytest -k a2c_loss`. The hidden tests hold the same meaning on
other inputs: other sizes, gradients element by element.
"""

import math

import pytest
import torch

import actor_critic

LOG_PROBS = torch.tensor([-1.0, -2.0])
ADVANTAGES = torch.tensor([3.0, -1.0])
VALUES = torch.tensor([1.0, 5.0])
TARGETS = torch.tensor([4.0, 3.0])


def expect(actual, expected, hint):
    """Compare shape, dtype and numbers; explain with `hint` when they differ."""
    assert isinstance(actual, torch.Tensor), f"return a tensor, not {type(actual).__name__}. {hint}"
    torch.testing.assert_close(actual, expected, msg=lambda text: f"{text}\n\nHint: {hint}")


def leaves(*tensors):
    return [tensor.clone().requires_grad_() for tensor in tensors]


def expect_no_gradient(leaf, hint):
    assert leaf.grad is None or not leaf.grad.any(), hint


# --- actor_loss ---------------------------------------------------------------------------------


def test_actor_loss_value():
    expect(
        actor_critic.actor_loss(LOG_PROBS, ADVANTAGES),
        torch.tensor(-(-1.0 * 3.0 + -2.0 * -1.0) / 2),
        "−(1/B) Σ log π · A: an average over the batch, and a minus because optimisers descend",
    )


def test_actor_loss_gradient():
    log_probs, advantages = leaves(LOG_PROBS, ADVANTAGES)
    actor_critic.actor_loss(log_probs, advantages).backward()
    expect(log_probs.grad, torch.tensor([-1.5, 0.5]), "∂ loss / ∂ log π = −A/B")
    expect_no_gradient(advantages, "the advantages are constants: detach them")


# --- critic_loss --------------------------------------------------------------------------------


def test_critic_loss_value():
    expect(
        actor_critic.critic_loss(VALUES, TARGETS),
        torch.tensor(0.5 * (9.0 + 4.0) / 2),
        "½ times the mean of (target − V)² over the batch",
    )


def test_critic_loss_gradient():
    values, targets = leaves(VALUES, TARGETS)
    actor_critic.critic_loss(values, targets).backward()
    expect(values.grad, torch.tensor([-1.5, 1.0]), "∂ loss / ∂ V = (V − target)/B")
    expect_no_gradient(targets, "the targets are constants: detach them")


# --- the networks -------------------------------------------------------------------------------


@pytest.fixture
def separate():
    torch.manual_seed(0)
    return moved(actor_critic.SeparateActorCritic(obs_dim=5, n_actions=3, hidden=8))


@pytest.fixture
def shared():
    torch.manual_seed(0)
    return moved(actor_critic.SharedActorCritic(obs_dim=5, n_actions=3, hidden=8))


def moved(network):
    """Away from the initial weights, which may be zero."""
    network.eval()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(0.3 * torch.randn_like(parameter))
    return network


def expect_outputs(network):
    obs = torch.randn(4, 5)
    logits, values = network(obs)
    assert logits.shape == (4, 3), f"logits are (B, A) = (4, 3), not {tuple(logits.shape)}"
    assert values.shape == (4,), f"values are (B,) = (4,), not {tuple(values.shape)}: squeeze"
    assert logits.dtype == values.dtype == torch.float32
    alone_logits, alone_values = network(obs[2:3])
    hint = "each row stands for itself: what else is in the batch must not matter"
    torch.testing.assert_close(alone_logits[0], logits[2], msg=hint, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(alone_values[0], values[2], msg=hint, rtol=1e-4, atol=1e-5)


def expect_logits_not_probabilities(network):
    logits, _ = network(torch.randn(16, 5) * 5)
    hint = "return logits, that is, whatever the last linear layer gives, without a softmax"
    assert not torch.allclose(logits.sum(dim=-1), torch.ones(16), atol=1e-4), hint


def trained_by(network, output):
    """Names of the parameters that a gradient of output number `output` reaches."""
    network.zero_grad()
    network(torch.randn(6, 5))[output].square().sum().backward()
    return {
        name
        for name, parameter in network.named_parameters()
        if parameter.grad is not None and parameter.grad.any()
    }


def test_SeparateActorCritic_outputs(separate):
    expect_outputs(separate)


def test_SeparateActorCritic_gives_logits(separate):
    expect_logits_not_probabilities(separate)


def test_SeparateActorCritic_shares_nothing(separate):
    by_logits, by_values = trained_by(separate, 0), trained_by(separate, 1)
    assert by_logits and by_values, "register both networks as attributes of the module"
    common = by_logits & by_values
    assert not common, f"policy and value must not share parameters, but both train {common}"


def test_SharedActorCritic_outputs(shared):
    expect_outputs(shared)


def test_SharedActorCritic_gives_logits(shared):
    expect_logits_not_probabilities(shared)


def test_SharedActorCritic_trunk_is_trained_by_both(shared):
    by_logits, by_values = trained_by(shared, 0), trained_by(shared, 1)
    assert by_logits & by_values, "the trunk's parameters must receive gradients from both outputs"


# --- a2c_loss -----------------------------------------------------------------------------------

# π is (¼, ¾) in the first state and uniform in the second.
LOGITS = torch.tensor([[0.25, 0.75], [0.5, 0.5]]).log()
ACTIONS = torch.tensor([1, 0])
ENTROPY = (math.log(4) / 4 + math.log(4 / 3) * 3 / 4 + math.log(2)) / 2


def test_a2c_loss_actor_part():
    # advantages: 4 − 1 = 3 and 3 − 5 = −2
    expect(
        actor_critic.a2c_loss(LOGITS, VALUES, ACTIONS, TARGETS, 0.0, 0.0),
        torch.tensor(-(3.0 * math.log(0.75) - 2.0 * math.log(0.5)) / 2),
        "with both coefficients 0 only actor_loss is left, with A = target − V(s)",
    )


def test_a2c_loss_all_parts():
    expect(
        actor_critic.a2c_loss(LOGITS, VALUES, ACTIONS, TARGETS, 2.0, 10.0),
        torch.tensor(
            -(3.0 * math.log(0.75) - 2.0 * math.log(0.5)) / 2
            + 2.0 * 0.5 * (9.0 + 4.0) / 2
            - 10.0 * ENTROPY
        ),
        "actor_loss + value_coef · critic_loss − entropy_coef · (mean entropy of the batch)",
    )


def test_a2c_loss_entropy_is_a_reward():
    logits = LOGITS.clone().requires_grad_()
    actor_critic.a2c_loss(logits, VALUES, ACTIONS, VALUES, 0.0, 1.0).backward()
    after = torch.softmax(logits.detach() - logits.grad, dim=-1)
    assert after[0].max() < 0.75, "a step down the loss must make a sure policy less sure"


def test_a2c_loss_trains_values_through_the_critic_only():
    values, targets = leaves(VALUES, TARGETS)
    actor_critic.a2c_loss(LOGITS, values, ACTIONS, targets, 2.0, 0.0).backward()
    expect(
        values.grad,
        2.0 * torch.tensor([-1.5, 1.0]),
        "value_coef · (V − target)/B; the advantage in the actor's term is a constant",
    )
    expect_no_gradient(targets, "the targets are constants")
