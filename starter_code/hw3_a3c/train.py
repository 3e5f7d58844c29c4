"""Train your A3C on CartPole-v1 with several processes, and look at how it learns.

    python train.py                        2 workers, CartPole-v1, half a minute
    python train.py --workers 4 --seed 3
    python train.py --hide-velocities [--lstm]    CartPole seen in part; bonus: with a memory
    python train.py --env ALE/Pong-v5 --steps 2000000    needs  pip install ale-py opencv-python

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

import worker
from a3c_support import (
    A3CConfig,
    ActorCritic,
    HideVelocities,
    LSTMActorCritic,
    SharedAdam,
    SharedRMSprop,
    train_a3c,
)


def parse_arguments():
    config = A3CConfig()
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--env", default="CartPole-v1", help="a Gymnasium environment's name")
    parser.add_argument("--hide-velocities", action="store_true", help="of CartPole")
    parser.add_argument("--lstm", action="store_true", help="A3C-LSTM (bonus)")
    parser.add_argument("--workers", type=int, default=2, help="number of processes")
    parser.add_argument("--steps", type=int, default=config.max_steps, help="environment steps")
    parser.add_argument("--t-max", type=int, default=config.t_max, help="longest rollout")
    parser.add_argument("--lr", type=float, help="learning rate (3e-3, Atari 7e-4)")
    parser.add_argument("--hidden", type=int, help="width of the network (128, Atari 256)")
    parser.add_argument("--entropy", type=float, default=config.entropy_coef)
    parser.add_argument("--episodes", type=int, help="to evaluate (100, Atari 5)")
    parser.add_argument("--seed", type=int, default=config.seed)
    parser.add_argument("--out", type=Path, help="folder of this run")
    args = parser.parse_args()
    lr, hidden, episodes = (7e-4, 256, 5) if is_atari(args.env) else (3e-3, 128, 100)
    args.lr = args.lr or lr
    args.hidden = args.hidden or hidden
    args.episodes = args.episodes or episodes
    return args


def is_atari(name):
    return name.startswith("ALE/")


def make_env(name, hide_velocities=False):
    """The environment with the usual preprocessing; Atari's is that of Mnih et al. 2016."""
    if not is_atari(name):
        env = gymnasium.make(name)
        return HideVelocities(env) if hide_velocities else env

    import ale_py

    gymnasium.register_envs(ale_py)
    wrappers = gymnasium.wrappers
    env = gymnasium.make(name, frameskip=1)  # the next wrapper repeats each action 4 times
    env = wrappers.AtariPreprocessing(env, frame_skip=4, screen_size=84, grayscale_obs=True)
    env = wrappers.FrameStackObservation(env, stack_size=4)
    return wrappers.TransformReward(env, np.sign)


def make_model(env, lstm, hidden):
    """A network for the environment's observations, vectors or images, and actions."""
    shape = env.observation_space.shape
    network = LSTMActorCritic if lstm else ActorCritic
    return network(shape[0] if len(shape) == 1 else shape, int(env.action_space.n), hidden)


def evaluate(model, env, episodes, seed=10_000) -> list[float]:
    """Returns of so many episodes of the most probable actions."""
    returns = []
    for episode in range(episodes):
        observation, _ = env.reset(seed=seed + episode)
        episode_return, memory, over = 0.0, (), False
        while not over:
            with torch.no_grad():
                obs = torch.as_tensor(observation, dtype=torch.float32).unsqueeze(0)
                logits, _, *memory = model(obs, *memory)  # only an LSTM has a memory
            observation, reward, terminated, truncated, _ = env.step(int(logits.argmax()))
            episode_return += float(reward)
            over = terminated or truncated
        returns.append(episode_return)
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
        title=f"{record['worker']}, {record['arguments']['env']}",
    )
    axes.legend()
    figure.savefig(folder / "curve.png", dpi=120)


def main():
    args = parse_arguments()
    config = A3CConfig(
        t_max=args.t_max, max_steps=args.steps, entropy_coef=args.entropy, seed=args.seed
    )
    make = functools.partial(make_env, args.env, args.hide_velocities)
    kind = "lstm" if args.lstm else "a3c"
    out = args.out or Path("runs") / f"{kind}_{args.env.replace('/', '_')}_seed{args.seed}"
    out.mkdir(parents=True, exist_ok=True)

    torch.set_num_threads(1)
    torch.manual_seed(args.seed)
    env = make()
    model = make_model(env, args.lstm, args.hidden)
    optimizer = (SharedRMSprop if is_atari(args.env) else SharedAdam)(model.parameters(), args.lr)
    worker_class = worker.LSTMA3CWorker if args.lstm else worker.A3CWorker

    progress = Progress(config.max_steps)
    start = time.perf_counter()
    try:
        steps = train_a3c(
            make, config, args.workers, worker_class, model, optimizer, on_progress=progress
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

    returns = evaluate(model, env, args.episodes)
    print(f"{steps} steps in {seconds:.1f} s, {steps / seconds:.0f} steps a second")
    print(f"mean return over {len(returns)} evaluation episodes: {np.mean(returns):.1f}")

    record = {
        "worker": worker_class.__name__,
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
