"""Public tests of value_methods.py: small examples that you can check by hand.

Run one question with `python -m pytest -k td_update`. The hidden tests hold the same meaning on
other inputs.
"""

import numpy as np
import pytest

import value_methods

V = np.array([1.0, 2.0, 3.0])
Q = np.array([[1.0, 2.0], [3.0, 5.0], [8.0, -1.0]])


def expect(actual, expected, hint):
    """Compare type, shape and numbers; explain with `hint` when they differ."""
    expected = np.asarray(expected, dtype=np.float64)
    assert isinstance(actual, np.ndarray), f"return an array, not {type(actual).__name__}. {hint}"
    assert actual.dtype == np.float64, f"the array is {actual.dtype}, but float64 is asked for"
    assert actual.shape == expected.shape, (
        f"shape {actual.shape}, but {expected.shape} is asked for"
    )
    np.testing.assert_allclose(actual, expected, atol=1e-9, err_msg=f"Hint: {hint}")


# --- mc_update ----------------------------------------------------------------------------------


def test_mc_update_moves_one_value():
    expect(
        value_methods.mc_update(V.copy(), 1, 6.0, 0.25),
        [1.0, 3.0, 3.0],
        "2 + ¼ (6 − 2) = 3; the other states stay",
    )


def test_mc_update_returns_a_new_array():
    table = V.copy()
    assert value_methods.mc_update(table, 1, 6.0, 0.25) is not table
    assert np.array_equal(table, V), "the caller's V was changed; update a copy"


# --- td_update ----------------------------------------------------------------------------------


def test_td_update_bootstraps_from_the_next_state():
    expect(
        value_methods.td_update(V.copy(), 0, 1.0, 2, False, 0.5, 0.9),
        [1.0 + 0.5 * (1.0 + 0.9 * 3.0 - 1.0), 2.0, 3.0],
        "the target is r + γ V(s'); V(s) moves the fraction α of the way to it",
    )


def test_td_update_stops_at_a_terminal_state():
    expect(
        value_methods.td_update(V.copy(), 0, 5.0, 2, True, 0.5, 0.9),
        [3.0, 2.0, 3.0],
        "after a terminal state nothing follows: the target is r alone",
    )


def test_td_update_returns_a_new_array():
    table = V.copy()
    value_methods.td_update(table, 0, 1.0, 2, False, 0.5, 0.9)
    assert np.array_equal(table, V), "the caller's V was changed; update a copy"


# --- sarsa_update -------------------------------------------------------------------------------


def test_sarsa_update_uses_the_action_taken_next():
    updated = value_methods.sarsa_update(Q.copy(), 0, 1, 1.0, 1, 0, False, 0.5, 0.9)
    expect(
        updated,
        [[1.0, 2.0 + 0.5 * (1.0 + 0.9 * 3.0 - 2.0)], [3.0, 5.0], [8.0, -1.0]],
        "the target is r + γ Q(s', a') with the given a', not the largest",
    )


def test_sarsa_update_stops_at_a_terminal_state():
    updated = value_methods.sarsa_update(Q.copy(), 0, 1, 1.0, 1, 0, True, 0.5, 0.9)
    expect(updated, [[1.0, 1.5], [3.0, 5.0], [8.0, -1.0]], "terminal: the target is r alone")


def test_sarsa_update_returns_a_new_array():
    table = Q.copy()
    value_methods.sarsa_update(table, 0, 1, 1.0, 1, 0, False, 0.5, 0.9)
    assert np.array_equal(table, Q), "the caller's Q was changed; update a copy"


# --- q_learning_update --------------------------------------------------------------------------


def test_q_learning_update_uses_the_best_next_action():
    updated = value_methods.q_learning_update(Q.copy(), 0, 0, 1.0, 1, False, 0.5, 0.9)
    expect(
        updated,
        [[1.0 + 0.5 * (1.0 + 0.9 * 5.0 - 1.0), 2.0], [3.0, 5.0], [8.0, -1.0]],
        "the target is r + γ max_a' Q(s', a'), the largest entry in the row of s'",
    )


def test_q_learning_update_stops_at_a_terminal_state():
    updated = value_methods.q_learning_update(Q.copy(), 0, 1, 1.0, 1, True, 0.5, 0.9)
    expect(updated, [[1.0, 1.5], [3.0, 5.0], [8.0, -1.0]], "terminal: the target is r alone")


def test_q_learning_update_returns_a_new_array():
    table = Q.copy()
    value_methods.q_learning_update(table, 0, 0, 1.0, 1, False, 0.5, 0.9)
    assert np.array_equal(table, Q), "the caller's Q was changed; update a copy"


# --- sgd_value_update ---------------------------------------------------------------------------


def test_sgd_value_update_follows_the_features():
    theta, features = np.array([1.0, 0.0, 2.0]), np.array([1.0, 5.0, 0.5])
    expect(
        value_methods.sgd_value_update(theta, features, 4.0, 0.1),
        [1.0 + 0.1 * 2.0 * 1.0, 0.1 * 2.0 * 5.0, 2.0 + 0.1 * 2.0 * 0.5],
        "the value is θᵀx = 2, the error 4 − 2, and ∂V/∂θ = x",
    )
    assert theta.tolist() == [1.0, 0.0, 2.0], "the caller's theta was changed; += does that"


# --- softmax_policy -----------------------------------------------------------------------------


def test_softmax_policy_normalises_each_row():
    expect(
        value_methods.softmax_policy(np.log([[1.0, 3.0], [2.0, 2.0], [4.0, 1.0]])),
        [[0.25, 0.75], [0.5, 0.5], [0.8, 0.2]],
        "each state's probabilities sum to 1: normalise over the actions (axis 1)",
    )


def test_softmax_policy_survives_huge_preferences():
    expect(
        value_methods.softmax_policy(np.array([[10_000.0, 10_000.0], [-10_000.0, 0.0]])),
        [[0.5, 0.5], [0.0, 1.0]],
        "exp(10000) overflows; subtract each row's maximum first",
    )


# --- stationary_distribution --------------------------------------------------------------------


def test_stationary_distribution_of_two_states():
    # Action 0 stays. Action 1 goes to the other state.
    transitions = np.array([[[1.0, 0.0], [0.0, 1.0]], [[0.0, 1.0], [1.0, 0.0]]])
    policy = np.array([[0.8, 0.2], [0.4, 0.6]])
    expect(
        value_methods.stationary_distribution(transitions, policy),
        [0.75, 0.25],
        "as much flows from 0 to 1 (0.75 · 0.2) as from 1 to 0 (0.25 · 0.6)",
    )


# --- average_value, average_reward --------------------------------------------------------------


def test_average_value_weights_by_visits():
    J = value_methods.average_value(np.array([0.5, 0.25, 0.25]), np.array([4.0, 8.0, -4.0]))
    assert isinstance(J, float), f"return a float, not {type(J).__name__}"
    assert J == pytest.approx(3.0), "½·4 + ¼·8 − ¼·4 = 3: a sum weighted by d, not a plain mean"


def test_average_reward_weights_by_visits_and_policy():
    d, policy = np.array([0.75, 0.25]), np.array([[0.5, 0.5], [0.2, 0.8]])
    J = value_methods.average_reward(d, policy, np.array([[4.0, 0.0], [10.0, 5.0]]))
    assert isinstance(J, float), f"return a float, not {type(J).__name__}"
    assert J == pytest.approx(3.0), "¾ (½·4 + ½·0) + ¼ (0.2·10 + 0.8·5) = 3"
