"""Two small worlds, learnt with your functions.

    python train.py                # both
    python train.py --world lake   # FrozenLake: values of one policy by MC, TD and SGD, against the exact ones
    python train.py --world cliff  # CliffWalking: SARSA's safe path against Q-learning's along the edge

Pictures, learning curves and settings are left in runs/.
"""

import argparse
import csv
import json
import platform
import sys
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import gymnasium as gym
import numpy as np
from matplotlib.figure import Figure
from tqdm import tqdm

import value_methods as student

ARROWS = {
    "FrozenLake-v1": ((-1, 0), (0, 1), (1, 0), (0, -1)),  # left, down, right, up as (dx, dy)
    "CliffWalking": ((0, -1), (1, 0), (0, 1), (-1, 0)),  # up, right, down, left
}


@dataclass
class Args:
    """The settings of a run; each is also an option of the command line."""

    world: str = "both"
    seed: int = 1
    lake_episodes: int = 6000
    lake_gamma: float = 0.95
    lake_temperature: float = 0.02
    """the policy whose values are learnt is softmax(Q/temperature)"""
    cliff_episodes: int = 500
    cliff_runs: int = 10
    """learning curves are means over this many runs"""
    alpha: float = 0.5
    epsilon: float = 0.1
    runs: str = "runs"
    """folder for the results"""


def make(name: str, **settings) -> gym.Env:
    """The newest version that this Gymnasium has of an environment."""
    newest = max(
        spec.id for spec in gym.registry.values() if spec.name == name and not spec.namespace
    )
    return gym.make(newest, **settings)


def epsilon_greedy(Q: np.ndarray, s: int, epsilon: float, rng: np.random.Generator) -> int:
    if rng.random() < epsilon:
        return int(rng.integers(Q.shape[1]))
    best = np.flatnonzero(Q[s] == Q[s].max())
    return int(rng.choice(best))


# --- FrozenLake: one policy, its values learnt in three ways ---------------------------------------


def lake_model(env: gym.Env) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """p(s'|s,a) (S, A, S), r(s,a) (S, A), and p(s'|s,a) with episodes that end left out."""
    S, A = env.observation_space.n, env.action_space.n
    restart, rewards, goes_on = np.zeros((S, A, S)), np.zeros((S, A)), np.zeros((S, A, S))
    for s, by_action in env.unwrapped.P.items():
        for a, outcomes in by_action.items():
            for p, s_next, r, terminated in outcomes:
                rewards[s, a] += p * r
                restart[s, a, 0 if terminated else s_next] += p  # a new episode starts in state 0
                goes_on[s, a, s_next] += 0.0 if terminated else p
    return restart, rewards, goes_on


def features(s: int) -> np.ndarray:
    """x(s) (8,): which row, which column. Four plus four numbers have to do for 16 values."""
    x = np.zeros(8)
    x[s // 4] = x[4 + s % 4] = 1.0
    return x


def learn_lake(args: Args, folder: Path) -> dict[str, float]:
    rng = np.random.default_rng(args.seed)
    env = make("FrozenLake", is_slippery=True)
    env.reset(seed=args.seed)
    S, A, gamma = env.observation_space.n, env.action_space.n, args.lake_gamma
    restart, rewards, goes_on = lake_model(env)
    alive = np.array([letter not in b"GH" for letter in env.unwrapped.desc.ravel()])

    # a policy worth evaluating: Q-learning, then a softmax
    Q = np.zeros((S, A))
    for _ in tqdm(range(args.lake_episodes), desc="FrozenLake, Q-learning", unit="episode"):
        s, over = env.reset()[0], False
        while not over:
            a = epsilon_greedy(Q, s, 0.3, rng)
            s_next, r, terminated, truncated, _ = env.step(a)
            Q = student.q_learning_update(Q, s, a, r, s_next, terminated, 0.05, gamma)
            s, over = s_next, terminated or truncated
    policy = student.softmax_policy(Q / args.lake_temperature)

    # its values by Monte Carlo, TD and linear SGD
    V_mc, V_td, theta = np.zeros(S), np.zeros(S), np.zeros(8)
    visits, successes = np.zeros(S), []
    progress = tqdm(range(args.lake_episodes), desc="FrozenLake, evaluation", unit="episode")
    for episode in progress:
        s, over, steps = env.reset()[0], False, []
        while not over:
            a = int(rng.choice(A, p=policy[s]))
            s_next, r, terminated, truncated, _ = env.step(a)
            visits[s] += 1
            V_td = student.td_update(V_td, s, r, s_next, terminated, visits[s] ** -0.6, gamma)
            steps.append((s, r, visits[s]))
            s, over = s_next, terminated or truncated
        G = 0.0
        for s, r, count in reversed(steps):
            G = r + gamma * G
            V_mc = student.mc_update(V_mc, s, G, 1.0 / count)
            theta = student.sgd_value_update(theta, features(s), G, 0.005)
        successes.append(r)
        if episode % 100 == 0:
            progress.set_postfix(mean_return=f"{np.mean(successes[-500:]):.2f}")
    V_sgd = np.array([theta @ features(s) for s in range(S)]) * alive

    # and exactly: v = r_π + γ P_π v
    P = np.einsum("sa,sap->sp", policy, goes_on)
    V_exact = np.linalg.solve(np.eye(S) - gamma * P, (policy * rewards).sum(axis=1)) * alive
    among = np.ix_(alive, np.ones(A, dtype=bool), alive)
    d = np.zeros(S)
    d[alive] = student.stationary_distribution(restart[among], policy[alive])

    results = {
        "average_value": student.average_value(d, V_exact),
        "average_reward": student.average_reward(d, policy, rewards),
    }
    tables = {"exact": V_exact, "Monte Carlo": V_mc, "TD(0)": V_td, "SGD, row + column": V_sgd}
    for name, V in tables.items():
        results[f"error_of_{name}"] = float(np.sqrt(d @ (V - V_exact) ** 2))
        if V is not V_exact:
            print(f"{name:>18}: error {results[f'error_of_{name}']:.4f} (root mean square, by d)")
    print(
        f"J = Σ d v = {results['average_value']:.3f}, J = Σ d Σ π r = {results['average_reward']:.4f}"
    )

    figure = Figure(figsize=(11, 7), layout="constrained")
    axes = figure.subplots(2, 3).ravel()
    for ax, (name, V) in zip(axes, tables.items()):
        heat_map(figure, ax, V.reshape(4, 4), f"V, {name}", limits=(0.0, V_exact.max()))
    heat_map(figure, axes[4], d.reshape(4, 4), "stationary distribution d")
    heat_map(figure, axes[5], Q.max(axis=1).reshape(4, 4), "max Q and the policy's favourite")
    draw_arrows(axes[5], np.where(alive, policy.argmax(axis=1), -1), 4, ARROWS["FrozenLake-v1"])
    figure.savefig(folder / "lake.png", dpi=120)
    return results


# --- CliffWalking: on-policy against off-policy ----------------------------------------------------


def learn_cliff_once(method: str, args: Args, seed: int, progress: tqdm) -> tuple[np.ndarray, list]:
    """Returns Q (S, A) and the return of every episode."""
    rng = np.random.default_rng(seed)
    env = make("CliffWalking")
    env.reset(seed=seed)
    Q = np.zeros((env.observation_space.n, env.action_space.n))
    returns = []
    for _ in range(args.cliff_episodes):
        s, over, total = int(env.reset()[0]), False, 0.0
        a = epsilon_greedy(Q, s, args.epsilon, rng)
        while not over:
            s_next, r, terminated, truncated, _ = env.step(a)
            s_next, r, total = int(s_next), float(r), total + float(r)
            a_next = epsilon_greedy(Q, s_next, args.epsilon, rng)
            if method == "SARSA":
                Q = student.sarsa_update(Q, s, a, r, s_next, a_next, terminated, args.alpha, 1.0)
            else:
                Q = student.q_learning_update(Q, s, a, r, s_next, terminated, args.alpha, 1.0)
                a_next = epsilon_greedy(Q, s_next, args.epsilon, rng)
            s, a, over = s_next, a_next, terminated or truncated
        returns.append(total)
        progress.update()
        if len(returns) % 20 == 0:
            progress.set_postfix(mean_return=f"{np.mean(returns[-50:]):.0f}")
    return Q, returns


def greedy_path(Q: np.ndarray) -> list[int]:
    """States visited from the start when the best action is always taken."""
    env = make("CliffWalking")
    s, path = int(env.reset(seed=0)[0]), []
    for _ in range(50):
        path.append(s)
        s, _, terminated, _, _ = env.step(int(Q[s].argmax()))
        if terminated:
            return [*path, int(s)]
    return path


def learn_cliff(args: Args, folder: Path) -> dict[str, float]:
    results, curves, tables = {}, {}, {}
    for method in ("SARSA", "Q-learning"):
        total = args.cliff_runs * args.cliff_episodes
        with tqdm(total=total, desc=f"CliffWalking, {method}", unit="episode") as progress:
            learnt = [
                learn_cliff_once(method, args, args.seed + i, progress)
                for i in range(args.cliff_runs)
            ]
        tables[method] = np.mean([Q for Q, _ in learnt], axis=0)
        curves[method] = np.mean([returns for _, returns in learnt], axis=0)
        path = greedy_path(tables[method])
        results[f"{method}_mean_return"] = float(curves[method][-100:].mean())
        results[f"{method}_path_length"] = len(path) - 1
        print(
            f"{method:>10}: mean return {results[f'{method}_mean_return']:6.1f} while exploring, "
            f"greedy path of {len(path) - 1} steps"
        )

    figure = Figure(figsize=(8, 8.5), layout="constrained")
    axes = figure.subplots(3, 1, height_ratios=(1, 1, 1.2))
    for ax, (method, Q) in zip(axes, tables.items()):
        V = Q.max(axis=1).reshape(4, 12)
        heat_map(figure, ax, V, f"{method}: max Q and the greedy path", limits=(-50.0, 0.0))
        path = greedy_path(Q)
        ax.plot([s % 12 for s in path], [s // 12 for s in path], "o-", color="crimson", linewidth=2)
        cliff = [s for s in range(48) if s // 12 == 3 and 0 < s % 12 < 11]
        for s in cliff:
            ax.text(s % 12, s // 12, "cliff", ha="center", va="center", color="dimgrey", fontsize=8)
        never_left = np.isin(np.arange(48), [*cliff, 47])
        draw_arrows(ax, np.where(never_left, -1, Q.argmax(axis=1)), 12, ARROWS["CliffWalking"])
    for method, curve in curves.items():
        smooth = np.convolve(curve, np.ones(10) / 10, mode="valid")
        axes[2].plot(smooth, label=method)
    axes[2].set(xlabel="episode", ylabel="return (mean of 10)", ylim=(-100, 0))
    axes[2].legend()
    figure.savefig(folder / "cliff.png", dpi=120)

    with open(folder / "cliff.csv", "w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(["method", "episode", "mean_return"])
        for method, curve in curves.items():
            rows.writerows([method, i, f"{y:.2f}"] for i, y in enumerate(curve))
    return results


# --- drawing ---------------------------------------------------------------------------------------


def heat_map(figure, ax, table: np.ndarray, title: str, limits=(None, None)) -> None:
    image = ax.imshow(table, cmap="viridis", vmin=limits[0], vmax=limits[1])
    figure.colorbar(image, ax=ax, shrink=0.8)
    ax.set(title=title, xticks=[], yticks=[])
    if table.size <= 16:
        for (row, column), value in np.ndenumerate(table):
            ax.text(column, row + 0.3, f"{value:.2f}", ha="center", color="white", fontsize=8)


def draw_arrows(ax, actions: np.ndarray, width: int, directions) -> None:
    """A small arrow a state; none where the action is −1."""
    for s, a in enumerate(actions):
        if a >= 0:
            dx, dy = directions[a]
            arrow = {"arrowstyle": "->", "color": "white", "alpha": 0.8}
            tail = (s % width - 0.25 * dx, s // width - 0.25 * dy)
            head = (s % width + 0.25 * dx, s // width + 0.25 * dy)
            ax.annotate("", xy=head, xytext=tail, arrowprops=arrow)


def main(args: Args) -> None:
    folder = Path(args.runs)
    folder.mkdir(parents=True, exist_ok=True)
    results: dict[str, float] = {}
    if args.world in ("lake", "both"):
        results |= learn_lake(args, folder)
    if args.world in ("cliff", "both"):
        results |= learn_cliff(args, folder)
    versions = {
        "python": platform.python_version(),
        "numpy": np.__version__,
        "gymnasium": gym.__version__,
    }
    config = {"args": asdict(args), "results": results, "versions": versions}
    (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
    print(f"Pictures, curves and settings: {folder}")


def parse_args() -> Args:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    for field in fields(Args):
        option = "--" + field.name.replace("_", "-")
        choices = ("lake", "cliff", "both") if field.name == "world" else None
        parser.add_argument(option, type=field.type, default=field.default, choices=choices)
    return Args(**vars(parser.parse_args()))


if __name__ == "__main__":
    try:
        main(parse_args())
    except NotImplementedError as unfinished:
        sys.exit(f"\n{unfinished} is not implemented yet: fill in its TODO, then run this again.")
