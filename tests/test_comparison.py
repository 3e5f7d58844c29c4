"""The comparison of the lecture: its statistics and its table."""

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest

for needed in ("scipy", "matplotlib"):
    pytest.importorskip(needed)

SCRIPT = Path(__file__).parents[1] / "benchmarks" / "comparison.py"


@pytest.fixture(scope="module")
def comparison():
    spec = importlib.util.spec_from_file_location("comparison", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def runs_of(scores):
    """Runs from row → game → scores."""
    return [
        {"row": row, "game": game, "seed": seed, "steps": 10, "seconds": 2.0, "cpu_seconds": 3.0}
        | {"score": score}
        for row, games in scores.items()
        for game, found in games.items()
        for seed, score in enumerate(found)
    ]


SCORES = {
    "DQN": {"Asterix": [1.0, 2.0], "Breakout": [10.0, 10.0]},
    "A3C, FF": {"Asterix": [5.0, 3.0], "Breakout": [0.0, 20.0]},
}
RANDOM = {"Asterix": 1.0, "Breakout": 0.0}


def test_scores_are_normalised_between_random_and_the_best_run(comparison):
    scores = comparison.normalised(runs_of(SCORES), RANDOM)
    np.testing.assert_allclose(scores["DQN"], [[0.0, 0.25], [0.5, 0.5]])
    np.testing.assert_allclose(scores["A3C, FF"], [[1.0, 0.5], [0.0, 1.0]])


def test_interquartile_mean_leaves_out_the_extreme_quarters(comparison):
    scores = np.array([[0.0, 1.0, 2.0, 3.0], [4.0, 5.0, 6.0, 1000.0]])
    assert comparison.interquartile_mean(scores) == pytest.approx((2 + 3 + 4 + 5) / 4)


def test_interval_holds_the_mean_and_shrinks_to_it_when_seeds_agree(comparison):
    scores = np.random.default_rng(1).normal(size=(5, 8))
    low, high = comparison.bootstrap_interval(scores)
    assert low < comparison.interquartile_mean(scores) < high
    alike = np.repeat(scores[:, :1], 8, axis=1)
    low, high = comparison.bootstrap_interval(alike)
    assert low == high == pytest.approx(comparison.interquartile_mean(alike))


def test_table_has_the_lecture_s_columns(comparison):
    table = comparison.summarise(runs_of(SCORES), RANDOM)
    assert [row["row"] for row in table] == ["DQN", "A3C, FF"]
    assert table[0]["mean"] == pytest.approx((0.125 + 0.5) / 2)
    assert table[1]["median"] == pytest.approx((0.75 + 0.5) / 2)
    text = comparison.as_markdown(table)
    assert "| DQN | 2 s | 3 s | 10 | 31.2% | 31.2% |" in text


def test_what_the_journal_holds_is_not_run_again(comparison, tmp_path):
    task = ("DQN", "Asterix", 0, 10, 1)
    result = runs_of(SCORES)[0]
    journal = tmp_path / "runs.jsonl"
    journal.write_text(json.dumps([task, result]) + "\n", encoding="utf-8")
    assert comparison.play_all([task], 1, journal) == [result]
