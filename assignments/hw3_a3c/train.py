"""Train your A3C on CartPole-v1 with several processes, and look at how it learns.

    python train.py                        2 workers, CartPole-v1, half a minute
    python train.py --workers 4 --seed 3

A run leaves its learning curve (curve.png, curve.csv), its settings (config.json) and the trained
network (model.pt) in runs/.
"""

import argparse
import csv
import functools
import json
import platform
import re
import sys
import time
from dataclasses import asdict
from pathlib import Path

import gymnasium
import numpy as np
import torch
from matplotlib.figure import Figure
from torch.multiprocessing import ProcessRaisedException
from tqdm import tqdm

from a3c_support import A3CConfig, ActorCritic, SharedAdam, train_a3c
from worker import A3CWorker


def parse_arguments():
    config = A3CConfig()
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--env", default="CartPole-v1", help="a Gymnasium environment's name")
    parser.add_argument("--workers", type=int, default=2, help="number of processes")
    parser.add_argument("--steps", type=int, default=config.max_steps, help="environment steps")
    parser.add_argument("--t-max", type=int, default=config.t_max, help="longest rollout")
    parser.add_argument("--lr", type=float, default=3e-3, help="learning rate")
    parser.add_argument("--hidden", type=int, default=128, help="width of the network")
    parser.add_argument("--entropy", type=float, default=config.entropy_coef)
    parser.add_argument("--seed", type=int, default=config.seed)
    parser.add_argument("--out", type=Path, default=None, help="folder of this run")
    return parser.parse_args()


def evaluate(model, make_env, episodes=100, seed=10_000) -> list[float]:
    """Returns of ``episodes`` episodes of the most probable actions, played side by side."""
    envs = [make_env() for _ in range(episodes)]
    observations = [env.reset(seed=seed + i)[0] for i, env in enumerate(envs)]
    returns = [0.0] * episodes
    playing = list(range(episodes))
    while playing:
        batch = torch.as_tensor(np.stack([observations[i] for i in playing]), dtype=torch.float32)
        with torch.no_grad():
            logits, _ = model(batch)
        ended = set()
        for i, action in zip(playing, logits.argmax(dim=-1).tolist()):
            observations[i], reward, terminated, truncated, _ = envs[i].step(action)
            returns[i] += float(reward)
            if terminated or truncated:
                envs[i].close()
                ended.add(i)
        playing = [i for i in playing if i not in ended]
    return returns


class Progress:
    """A live progress bar, and the table of finished episodes behind the learning curve."""

    def __init__(self, max_steps):
        self.bar = tqdm(total=max_steps, unit="step", dynamic_ncols=True)
        self.episodes = []  # (environment steps of all workers, return, length)

    def __call__(self, steps, finished):
        self.episodes += [(steps, episode_return, length) for episode_return, length in finished]
        self.bar.update(min(steps, self.bar.total) - self.bar.n)
        if self.episodes:
            recent = [episode_return for _, episode_return, _ in self.episodes[-50:]]
            self.bar.set_postfix(mean_return=f"{np.mean(recent):.1f}")


def save(folder, record, model, episodes):
    """Write config.json, model.pt, curve.csv and curve.png."""
    (folder / "config.json").write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    torch.save(model.state_dict(), folder / "model.pt")
    with open(folder / "curve.csv", "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("steps", "return", "length"), *episodes])
    if not episodes:
        return

    steps, returns, _ = map(np.array, zip(*episodes))
    window = min(50, len(returns))
    mean = np.convolve(returns, np.ones(window) / window, mode="valid")
    figure = Figure(figsize=(7, 4.5), layout="constrained")
    axes = figure.subplots()
    axes.plot(steps, returns, ".", markersize=2, alpha=0.3, label="one episode")
    axes.plot(steps[window - 1 :], mean, label=f"mean of {window} episodes")
    axes.set(
        xlabel="environment steps of all workers",
        ylabel="return",
        title=f"A3C, {record['arguments']['workers']} workers, {record['arguments']['env']}",
    )
    axes.legend()
    figure.savefig(folder / "curve.png", dpi=120)


def main():
    args = parse_arguments()
    config = A3CConfig(
        t_max=args.t_max, max_steps=args.steps, entropy_coef=args.entropy, seed=args.seed
    )
    make_env = functools.partial(gymnasium.make, args.env)
    out = args.out or Path("runs") / f"a3c_{args.env.replace('/', '_')}_seed{args.seed}"
    out.mkdir(parents=True, exist_ok=True)

    torch.set_num_threads(1)
    torch.manual_seed(args.seed)
    env = make_env()
    model = ActorCritic(env.observation_space.shape[0], env.action_space.n, args.hidden)
    env.close()
    optimizer = SharedAdam(model.parameters(), lr=args.lr)

    progress = Progress(config.max_steps)
    start = time.perf_counter()
    try:
        steps = train_a3c(
            make_env, config, args.workers, A3CWorker, model, optimizer, on_progress=progress
        )
    except ProcessRaisedException as failure:
        missing = re.search(r"NotImplementedError: (\w+)", str(failure))
        if missing is None:
            raise
        sys.exit(f"\n{missing[1]} is not implemented yet: fill in its TODO, then train again.")
    except KeyboardInterrupt:
        sys.exit("\nStopped; every worker has ended.")
    finally:
        progress.bar.close()
    seconds = time.perf_counter() - start

    returns = evaluate(model, make_env)
    print(f"{steps} steps in {seconds:.1f} s, {steps / seconds:.0f} steps a second")
    print(f"mean return over {len(returns)} evaluation episodes: {np.mean(returns):.1f}")

    record = {
        "config": asdict(config),
        "arguments": {name: str(value) for name, value in vars(args).items()},
        "versions": {
            "python": platform.python_version(),
            "torch": torch.__version__,
            "gymnasium": gymnasium.__version__,
        },
        "seconds": seconds,
        "steps": steps,
        "evaluation_mean_return": float(np.mean(returns)),
    }
    save(out, record, model, progress.episodes)
    print(f"curve, table, settings and network: {out}")


if __name__ == "__main__":
    main()
