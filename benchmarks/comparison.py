"""The lecture's comparison ("A3C 对比实验") on five small games that a laptop can play.

    pip install ".[comparison]"                          (Python 3.11 or newer)
    python benchmarks/comparison.py --smoke              minutes: does it run?
    python benchmarks/comparison.py                      the table, in runs/comparison; an interrupted run goes on

The games are MinAtar's, 10 × 10 versions of five Atari games (Young & Tian 2019). The rows DQN, Double DQN, Dueling Double DQN and
Prioritized Double DQN are tianshou's; A3C, feed-forward and LSTM, is the reference solution of hw3. All rows have networks of one
hidden layer of 128 units on the flattened picture.

Scores are normalised a game at a time: 0 % is a policy that acts at random, 100 % the best single run of any row here. The mean and the
median are taken over the games' mean scores, as in the lecture's table. The interquartile mean over all runs, with a 95 % interval of a
bootstrap stratified by game, is that of Agarwal et al. 2021 ("Deep RL at the edge of the statistical precipice").

There is no row for Gorila (distributed DQN): of the libraries looked at in 2026, tianshou and Stable-Baselines3 have none, RLlib took
its distributed Ape-X DQN out with its old API, and TorchRL has distributed collectors, but neither Gorila nor Ape-X.
"""

from __future__ import annotations

import argparse
import csv
import functools
import itertools
import json
import os
import platform
import resource
import sys
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path
from typing import Any

os.environ["OMP_NUM_THREADS"] = "1"
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "assignments" / "hw3_a3c"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "solutions" / "hw3_a3c"))

import gymnasium
import numpy as np
import torch
from matplotlib.figure import Figure
from scipy.stats import trim_mean

import worker
from a3c_support import A3CConfig, ActorCritic, LSTMActorCritic, SharedAdam, train_a3c

GAMES = ("Asterix", "Breakout", "Freeway", "Seaquest", "SpaceInvaders")
HIDDEN, GAMMA, TIME_LIMIT = 128, 0.99, 1000


def make_game(game: str) -> gymnasium.Env:
    """One of MinAtar's games, its picture as a vector, episodes of at most TIME_LIMIT steps."""
    import minatar.gym

    if f"MinAtar/{game}-v1" not in gymnasium.registry:
        minatar.gym.register_envs()
    env = gymnasium.make(
        f"MinAtar/{game}-v1", max_episode_steps=TIME_LIMIT, disable_env_checker=True
    )
    return gymnasium.wrappers.FlattenObservation(env)


def mean_return(
    game: str, act: Callable[[torch.Tensor, bool], int], seed: int, episodes: int
) -> float:
    """Mean undiscounted return of fresh episodes. `act(observation, is it an episode's first)` chooses the action."""
    env, total = make_game(game), 0.0
    for episode in range(episodes):
        observation, _ = env.reset(seed=1_000_000 + 1000 * seed + episode)
        first, over = True, False
        while not over:
            action = act(torch.as_tensor(observation, dtype=torch.float32).unsqueeze(0), first)
            observation, reward, terminated, truncated, _ = env.step(action)
            total += float(reward)
            first, over = False, terminated or truncated
    return total / episodes


# --- the rows -------------------------------------------------------------------------------------------------------


def train_dqn(
    game: str, seed: int, steps: int, *, double: bool, dueling: bool, prioritized: bool
) -> Any:
    """tianshou's DQN and its kin. Returns what acts: ε-greedy with ε = 0.05."""
    from tianshou.algorithm import DQN
    from tianshou.algorithm.modelfree.dqn import DiscreteQLearningPolicy
    from tianshou.algorithm.optim import AdamOptimizerFactory
    from tianshou.data import Collector, PrioritizedVectorReplayBuffer, VectorReplayBuffer
    from tianshou.env import DummyVectorEnv
    from tianshou.trainer import OffPolicyTrainerParams
    from tianshou.utils.net.common import Net

    n_envs, batch_size = 8, 32
    envs = DummyVectorEnv([functools.partial(make_game, game)] * n_envs)
    envs.seed(1000 * seed)
    env = make_game(game)
    network = Net(
        state_shape=env.observation_space.shape,
        action_shape=env.action_space.n,
        hidden_sizes=[HIDDEN],
        dueling_param=({"hidden_sizes": [HIDDEN]}, {"hidden_sizes": [HIDDEN]}) if dueling else None,
    )
    policy = DiscreteQLearningPolicy(model=network, action_space=env.action_space, eps_training=1.0)
    algorithm = DQN(
        policy=policy,
        optim=AdamOptimizerFactory(lr=3e-4),
        gamma=GAMMA,
        target_update_freq=500,
        is_double=double,
        huber_loss_delta=1.0,
    )
    if prioritized:
        buffer = PrioritizedVectorReplayBuffer(100_000, n_envs, alpha=0.6, beta=0.4)
    else:
        buffer = VectorReplayBuffer(100_000, n_envs)
    collector = Collector(algorithm, envs, buffer, exploration_noise=True)
    collector.reset()
    warm_up = n_envs * max(8, min(250, steps // 80))
    collector.collect(n_step=warm_up)

    def anneal(epoch: int, step: int) -> None:
        policy.set_eps_training(max(0.05, 1.0 - 0.95 * step / (0.3 * steps)))

    algorithm.run_training(
        OffPolicyTrainerParams(
            training_collector=collector,
            max_epochs=1,
            epoch_num_steps=steps - warm_up,
            collection_step_num_env_steps=2 * n_envs,
            update_step_num_gradient_steps_per_sample=0.25,
            batch_size=batch_size,
            training_fn=anneal,
            verbose=False,
            show_progress=False,
        )
    )
    network.eval()
    generator = torch.Generator().manual_seed(seed)

    def act(observation: torch.Tensor, first: bool) -> int:
        if torch.rand((), generator=generator) < 0.05:
            return int(torch.randint(env.action_space.n, (), generator=generator))
        with torch.no_grad():
            return int(network(observation)[0].argmax())

    return act, steps


def train_reference_a3c(game: str, seed: int, steps: int, *, lstm: bool) -> Any:
    """The reference of hw3 with two worker processes. Returns what acts: the policy's own samples."""
    env = make_game(game)
    network = LSTMActorCritic if lstm else ActorCritic
    model = network(env.observation_space.shape[0], int(env.action_space.n), HIDDEN)
    config = A3CConfig(
        gamma=GAMMA, max_steps=steps, value_coef=0.5, entropy_coef=0.01, seed=100 * seed
    )
    worker_class = worker.LSTMA3CWorker if lstm else worker.A3CWorker
    optimizer = SharedAdam(model.parameters(), lr=1e-3)
    taken = train_a3c(functools.partial(make_game, game), config, 2, worker_class, model, optimizer)
    generator = torch.Generator().manual_seed(seed)
    memory: list[Any] = []

    def act(observation: torch.Tensor, first: bool) -> int:
        nonlocal memory
        with torch.no_grad():
            logits, _, *memory = model(observation, *([] if first else memory))
        return worker.sample_action(logits.squeeze(0), generator)

    return act, taken


ROWS: dict[str, Callable[[str, int, int], Any]] = {
    "DQN": functools.partial(train_dqn, double=False, dueling=False, prioritized=False),
    "D-DQN": functools.partial(train_dqn, double=True, dueling=False, prioritized=False),
    "Dueling D-DQN": functools.partial(train_dqn, double=True, dueling=True, prioritized=False),
    "Prioritized D-DQN": functools.partial(train_dqn, double=True, dueling=False, prioritized=True),
    "A3C, FF": functools.partial(train_reference_a3c, lstm=False),
    "A3C, LSTM": functools.partial(train_reference_a3c, lstm=True),
}


def processes_of(row: str) -> int:
    """How many processes one run of a row keeps busy."""
    return 2 if row.startswith("A3C") else 1


def run(row: str, game: str, seed: int, steps: int, episodes: int) -> dict[str, Any]:
    """Train once and evaluate."""
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    np.random.seed(seed)
    begin, cpu_begin = time.perf_counter(), cpu_seconds()
    act, taken = ROWS[row](game, seed, steps)
    seconds, cpu = time.perf_counter() - begin, cpu_seconds() - cpu_begin
    score = mean_return(game, act, seed, episodes)
    return dict(zip(FIELDS, (row, game, seed, taken, seconds, cpu, score), strict=True))


FIELDS = ("row", "game", "seed", "steps", "seconds", "cpu_seconds", "score")


def cpu_seconds() -> float:
    """CPU time of this process and of the workers that it has waited for."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(u.ru_utime + u.ru_stime for u in used)


def random_score(game: str, episodes: int) -> float:
    """Mean return of a policy that acts at random."""
    actions, generator = make_game(game).action_space.n, torch.Generator().manual_seed(0)
    return mean_return(
        game, lambda *_: int(torch.randint(actions, (), generator=generator)), 0, episodes
    )


# --- the table ------------------------------------------------------------------------------------------------------


def normalised(runs: Iterable[dict[str, Any]], random: dict[str, float]) -> dict[str, np.ndarray]:
    """Row → (games, seeds) scores; 0 is random, 1 the best run of any row in that game."""
    runs = list(runs)
    best = {game: max(r["score"] for r in runs if r["game"] == game) for game in random}
    scores: dict[str, dict[str, list[float]]] = {}
    for r in sorted(runs, key=lambda r: r["seed"]):
        span = best[r["game"]] - random[r["game"]]
        score = (r["score"] - random[r["game"]]) / span if span > 0 else 0.0
        scores.setdefault(r["row"], {}).setdefault(r["game"], []).append(score)
    return {row: np.array([scores[row][game] for game in random]) for row in scores}


def interquartile_mean(scores: np.ndarray) -> float:
    """The mean without the lowest and the highest quarter of all runs."""
    return float(trim_mean(scores, 0.25, axis=None))


def bootstrap_interval(scores: np.ndarray, resamples: int = 2000) -> tuple[float, float]:
    """95 % interval of the interquartile mean: seeds are drawn anew in each game."""
    rng, (games, seeds) = np.random.default_rng(0), scores.shape
    drawn = rng.integers(seeds, size=(resamples, games, seeds))
    means = [interquartile_mean(np.take_along_axis(scores, index, axis=1)) for index in drawn]
    low, high = np.percentile(means, [2.5, 97.5])
    return float(low), float(high)


def summarise(runs: list[dict[str, Any]], random: dict[str, float]) -> list[dict[str, Any]]:
    """One entry a row, in the order of ROWS."""
    table, scores = [], normalised(runs, random)
    for row in ROWS:
        if row not in scores:
            continue
        mine = [r for r in runs if r["row"] == row]
        a_game = scores[row].mean(axis=1)
        low, high = bootstrap_interval(scores[row])
        table.append(
            {
                "row": row,
                "mean": float(a_game.mean()),
                "median": float(np.median(a_game)),
                "iqm": interquartile_mean(scores[row]),
                "low": low,
                "high": high,
                "seconds": float(np.mean([r["seconds"] for r in mine])),
                "cpu_seconds": float(np.mean([r["cpu_seconds"] for r in mine])),
                "steps": int(np.mean([r["steps"] for r in mine])),
            }
        )
    return table


def as_markdown(table: list[dict[str, Any]]) -> str:
    lines = [
        "| Method | Training time | CPU time | Steps | Mean | Median | IQM (95 % interval) |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in table:
        lines.append(
            f"| {row['row']} | {row['seconds']:.0f} s | {row['cpu_seconds']:.0f} s | {row['steps']:,} | {row['mean']:.1%} | "
            f"{row['median']:.1%} | {row['iqm']:.1%} ({row['low']:.1%} to {row['high']:.1%}) |"
        )
    return "\n".join(lines)


def draw(table: list[dict[str, Any]], path: Path) -> None:
    figure = Figure(figsize=(7, 3.5), layout="constrained")
    axes = figure.subplots()
    for place, row in enumerate(reversed(table)):
        axes.plot([row["low"], row["high"]], [place, place], linewidth=8, alpha=0.4, color="C0")
        axes.plot(row["iqm"], place, "k|", markersize=14)
    axes.set_yticks(
        range(len(table)),
        [f"{r['row']} ({r['cpu_seconds']:.0f} s of CPU)" for r in reversed(table)],
    )
    axes.set_xlabel("interquartile mean of normalised scores, 95 % interval")
    figure.savefig(path, dpi=120)


# --- running it -----------------------------------------------------------------------------------------------------


def get_ready() -> None:
    """Import tianshou and let it compile, which is no part of a run's time."""
    torch.set_num_threads(1)
    train_dqn("Breakout", 0, 128, double=True, dueling=False, prioritized=True)


def play_all(tasks: list[tuple[Any, ...]], jobs: int, journal: Path) -> list[dict[str, Any]]:
    """Run every (row, game, seed, steps, episodes), as many at once as the processors allow.

    Each run is noted in `journal` when it is done; what stands there already is not run again.
    """
    lines = journal.read_text(encoding="utf-8").splitlines() if journal.exists() else []
    done = {tuple(task): result for task, result in map(json.loads, lines)}
    for processes, group in itertools.groupby(tasks, key=lambda task: processes_of(task[0])):
        waiting = [task for task in group if task not in done]
        if not waiting:
            continue
        ready = get_ready if processes == 1 else None
        with ProcessPoolExecutor(max(1, jobs // processes), get_context("spawn"), ready) as pool:
            futures = {pool.submit(run, *task): task for task in waiting}
            for future in as_completed(futures):
                task, result = futures[future], future.result()
                done[task] = result
                with open(journal, "a", encoding="utf-8") as file:
                    file.write(json.dumps([task, result]) + "\n")
                print(
                    f"{len(done)} of {len(tasks)}: {task[0]}, {task[1]}, {result['score']:.1f}",
                    flush=True,
                )
    return [done[task] for task in tasks]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--smoke", action="store_true", help="two games, one seed, few steps")
    parser.add_argument("--games", nargs="+", choices=GAMES, default=GAMES)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--dqn-steps", type=int, default=40_000)
    parser.add_argument("--a3c-steps", type=int, default=200_000)
    parser.add_argument("--episodes", type=int, default=30, help="of an evaluation")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="processes at once")
    parser.add_argument("--out", type=Path, default=Path("runs/comparison"))
    args = parser.parse_args()
    if args.smoke:
        args.games, args.seeds = args.games[:2], 1
        args.dqn_steps, args.a3c_steps, args.episodes = 1000, 2000, 2

    begin = time.perf_counter()
    random = {game: random_score(game, args.episodes) for game in args.games}
    tasks = [
        (
            row,
            game,
            seed,
            args.a3c_steps if row.startswith("A3C") else args.dqn_steps,
            args.episodes,
        )
        for row in ROWS
        for game in args.games
        for seed in range(args.seeds)
    ]
    args.out.mkdir(parents=True, exist_ok=True)
    runs = play_all(tasks, args.jobs, args.out / "runs.jsonl")
    table = summarise(runs, random)

    record = {
        "arguments": {name: str(value) for name, value in vars(args).items()},
        "machine": f"{os.cpu_count()} cores, Python {platform.python_version()}, torch {torch.__version__}",
        "seconds": time.perf_counter() - begin,
        "random": random,
        "table": table,
    }
    (args.out / "comparison.json").write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    with open(args.out / "runs.csv", "w", newline="", encoding="utf-8") as file:
        rows = csv.DictWriter(file, fieldnames=FIELDS)
        rows.writeheader()
        rows.writerows(sorted(runs, key=lambda r: (r["row"], r["game"], r["seed"])))
    (args.out / "comparison.md").write_text(as_markdown(table) + "\n", encoding="utf-8")
    draw(table, args.out / "comparison.png")
    print(as_markdown(table))
    print(f"{record['seconds']:.0f} s on {record['machine']}; runs, table and plot: {args.out}")


if __name__ == "__main__":
    main()
