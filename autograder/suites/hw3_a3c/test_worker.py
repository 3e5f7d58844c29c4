"""Hidden tests of worker.py: A3CWorker and LSTMA3CWorker.

Everything is deterministic: environments are scripted and live in the grader, actions come from the given `sample_action`. A
`Scene` is set up twice, with the student's worker and with the reference's, and both have to do the same to the environment, the
counter and the shared parameters.
"""

import copy
from concurrent.futures import ThreadPoolExecutor
from types import FunctionType

import pytest
import torch

from autograder.grading import check
from autograder.grading.student import LocalStudent
from autograder.suites.inputs import normal
from autograder.suites.learning import A3C, A3C_NETWORK
from autograder.suites.scripted_env import ScriptedEnv

OBS_DIM, N_ACTIONS, HIDDEN = 3, 4, 5
T_MAX, SEED, LEARNING_RATE = 4, 11, 0.02

# With t_max = 4 an episode ends inside a rollout, at its last step, and goes on over two cuts.
EPISODES = ((6, "terminated"), (3, "truncated"), (4, "both"), (4, "truncated"), (9, "terminated"))
ROLLOUTS = 8  # steps of each: 4 2 | 3 | 4 | 4 | 4 4 1

EARLIER = ("n_step_returns", "a3c_loss", "copy_gradients")


class Scene:
    """One side of a comparison: shared network, optimizer and counter of the student or of the reference.

    `rng` gives the weights and the environments; two scenes from generators in one state are alike.
    """

    def __init__(self, side, rng, make_optimizer=None, start=0, lstm=False, **changes):
        self.side, self.rng, self.lstm = side, rng, lstm
        config = {
            "gamma": 0.9,
            "t_max": T_MAX,
            "max_steps": 10_000,
            "value_coef": 0.7,
            "entropy_coef": 0.3,
            "max_grad_norm": 1e6,
            "seed": SEED,
        }
        self.config = side.A3CConfig(**(config | changes))
        network = side.LSTMActorCritic if lstm else side.ActorCritic
        self.shared = network(OBS_DIM, N_ACTIONS, HIDDEN)
        self.load(rng)
        parameters = list(self.shared.parameters())
        make_optimizer = make_optimizer or side.module("torch.optim").SGD
        self.optimizer = make_optimizer(parameters, lr=LEARNING_RATE)
        self.counter = side.module("multiprocessing").Value("i", start)

    def load(self, rng):
        """Give the shared network new weights, as the updates of other workers do."""
        with torch.no_grad():
            for parameter in self.shared.parameters():
                parameter.copy_(normal(rng, *parameter.shape, dtype=torch.float32, scale=0.7))

    def parameters(self):
        """The values of the shared parameters now."""
        return [p.detach().clone() for p in self.shared.parameters()]

    def worker(self, rank=2, episodes=EPISODES, counter=None, **watch):
        """A worker and its environment."""
        env = ScriptedEnv(self.rng, episodes, OBS_DIM, N_ACTIONS, **watch)
        counter = self.counter if counter is None else counter
        made = self.side.LSTMA3CWorker if self.lstm else self.side.A3CWorker
        return made(rank, self.shared, self.optimizer, env, counter, self.config), env


def scenes(student, reference, rng, optimizer=None, lstm=False, **changes):
    """The same scene for both sides. `optimizer`: a name in a3c_support; SGD if None."""
    network = "LSTMActorCritic" if lstm else "ActorCritic"
    reference = with_networks_of_its_own(student, reference, network, OBS_DIM, N_ACTIONS, HIDDEN)
    seed = int(rng.integers(2**32))
    return [
        Scene(
            side,
            type(rng)(type(rng.bit_generator)(seed)),
            optimizer and getattr(side, optimizer),
            lstm=lstm,
            **changes,
        )
        for side in (student, reference)
    ]


def with_networks_of_its_own(student, reference, network, *shape):
    """Let a reference that is to call the student's copy_gradients call it with networks of the student's side."""
    if isinstance(reference.copy_gradients, FunctionType):
        return reference
    twins = {}

    def copy_gradients(local, shared):
        for ours in (local, shared):
            if id(ours) not in twins:
                twins[id(ours)] = getattr(student, network)(*shape)
        twins[id(local)].zero_grad()
        for ours in (local, shared):
            give(twins[id(ours)], ours)
        student.copy_gradients(twins[id(local)], twins[id(shared)])
        for ours in (local, shared):
            give(ours, twins[id(ours)])

    return reference.replacing({"copy_gradients": copy_gradients})


def give(to, network):
    """Copy values and gradients of one network's parameters to another's."""
    for mine, other in zip(to.parameters(), network.parameters(), strict=True):
        mine.data.copy_(other.data)
        mine.grad = None if other.grad is None else other.grad.detach().clone()


# Plain numbers are compared as the float32 that they were computed in.
CLOSE = {"rtol": 1e-3, "atol": 1e-4}


def numbers(rewards):
    """Rewards as float32, whichever real dtype a worker keeps them in."""
    return rewards.detach().to(torch.float32)


def as_float(value):
    """A float, whether or not it carries a gradient."""
    return float(value.detach() if isinstance(value, torch.Tensor) else value)


def float_tensor(values):
    return torch.tensor(values, dtype=torch.float32)


def moved(before, after):
    """The sum of the gradients that plain SGD applied between two states of the parameters."""
    return [(b - a) / LEARNING_RATE for b, a in zip(before, after, strict=True)]


def until_the_last_step(events):
    played = [event for event in events if event[0] != "close"]
    while played and played[-1][0] == "reset":
        played.pop()
    return played


def same_steps(worlds, updates_between=False):
    """Both environments saw the same resets and steps (a last reset may still be to come)."""
    actual, expected = (until_the_last_step(env.events) for env in worlds)
    kinds = [[event[0] for event in events] for events in (actual, expected)]
    check.holds(
        kinds[0] == kinds[1],
        "Resets and steps of the environment do not follow one another as they should: at most t_max steps a rollout, "
        "a reset right after an episode's end, and nowhere else.",
        "环境的 reset 与 step 的顺序不对：每段采样至多 t_max 步，回合结束后立即 reset，其他时候都不 reset。",
        evidence=kinds[0],
        kind="order",
    )
    resets = [[e[1] for e in events if e[0] == "reset"] for events in (actual, expected)]
    check.holds(
        resets[0] == resets[1],
        "The first reset takes the seed config.seed + rank; later resets take none.",
        "第一次 reset 使用种子 config.seed + rank；之后的 reset 都不传种子。",
        evidence=resets[0],
        kind="seed",
    )
    actions = [[e[1] for e in events if e[0] == "step"] for events in (actual, expected)]
    if updates_between:
        check.holds(
            actions[0] == actions[1],
            "Other actions were taken than sync, rollout and update in turn lead to (a wrong update shows here, too).",
            "所执行的动作与轮流执行 sync、rollout、update 所得的不同（update 有错时也会如此）。",
            evidence=actions[0],
            kind="actions",
        )
        return
    check.holds(
        actions[0] == actions[1],
        "Other actions were taken than sample_action draws from the local network's logits with the worker's own generator "
        "(seeded once, with config.seed + rank).",
        "所执行的动作与 sample_action 用 worker 自己的随机数生成器（只播种一次，种子为 config.seed + rank）"
        "从本地网络的 logits 中抽取的动作不同。",
        evidence=actions[0],
        kind="actions",
    )


# --- rollout --------------------------------------------------------------------------------------------------------


@pytest.mark.question("A3CWorker", gate=True)
def test_worker_rollout(student, reference, rng):
    """An episode in two rollouts: what is returned, step by step.

    一个回合分成两段采样：逐步检查返回的内容。
    """
    both, worlds = [], []
    for scene in scenes(student, reference, rng):
        worker, env = scene.worker()
        worker.sync()
        rollouts = [worker.rollout() for _ in range(2)]
        both.append(rollouts)
        worlds.append(env)
    same_steps(worlds)
    for mine, right in zip(*both, strict=True):
        check.same(numbers(mine.rewards), right.rewards, "rewards")
        check.same(mine.log_probs, right.log_probs, "log_probs")
        check.same(mine.values, right.values, "values")
        check.same(mine.entropies, right.entropies, "entropies")
    check.same(
        float_tensor([as_float(r.bootstrap_value) for r in both[0]]),
        float_tensor([r.bootstrap_value for r in both[1]]),
        "bootstrap_value",
    )


@pytest.mark.question("A3CWorker")
def test_worker_rollout_carries_gradient(student, rng):
    """log_probs, values and entropies carry gradient.

    log_probs、values 与 entropies 带有梯度。
    """
    worker, _ = Scene(student, rng).worker()
    worker.sync()
    rollout = worker.rollout()
    carry = [bool(x.requires_grad) for x in (rollout.log_probs, rollout.values, rollout.entropies)]
    check.holds(
        all(carry),
        "log_probs, values and entropies of a rollout must carry gradient to the local network: update differentiates them.",
        "采样的 log_probs、values 与 entropies 必须带有指向本地网络的梯度：update 要对它们求导。",
        evidence=carry,
        kind="not_differentiable",
    )


@pytest.mark.question("A3CWorker")
def test_worker_episode_boundaries(student, reference, rng):
    """Episodes that end inside a rollout, at its last step, or reach over several.

    回合在一段采样中间结束、恰好在最后一步结束，或跨越多段采样。
    """
    rewards, lengths, worlds = [], [], []
    for scene in scenes(student, reference, rng):
        worker, env = scene.worker()
        worker.sync()
        played, done = [], []
        for _ in range(ROLLOUTS):
            played.append(numbers(worker.rollout().rewards))
            done.append(len(env.events))
        rewards.append(played)
        lengths.append(done)
        worlds.append(env)
    same_steps(worlds)
    check.holds(
        lengths[0] == lengths[1],
        "The environment is reset right after an episode ends, before rollout returns, and a rollout ends with its episode.",
        "回合一结束就应立即重置环境（在 rollout 返回之前），并且采样随回合一同结束。",
        evidence=lengths[0],
        kind="order",
    )
    check.same(*rewards, "rewards")


@pytest.mark.question("A3CWorker")
def test_worker_bootstrap(student, reference, rng):
    """The bootstrap: 0 after a terminated step, V of the last observation after a cut or a time limit.

    自举值：最后一步 terminated 时为 0；被 t_max 截断或因时间限制结束时为最后一个观测的 V。
    """
    both = []
    for scene in scenes(student, reference, rng):
        worker, _ = scene.worker()
        both.append([worker.rollout().bootstrap_value for _ in range(ROLLOUTS)])
    check.same(*both, "bootstrap_value", **CLOSE)
    for value in both[0]:
        check.constant(value)


@pytest.mark.question("A3CWorker")
def test_worker_counts_steps(student, reference, rng):
    """After each rollout the counter has grown by the rollout's steps; sync leaves it alone.

    每段采样之后，计数器增加的正好是这段采样的步数；sync 不改变它。
    """
    both = []
    for scene in scenes(student, reference, rng, start=50):
        worker, _ = scene.worker()
        counts = []
        for _ in range(3):
            worker.sync()
            counts.append(scene.counter.value)
            worker.rollout()
            counts.append(scene.counter.value)
        both.append(counts)
    check.holds(
        both[0] == both[1],
        "step_counter grows by 1 with each environment step, no more and no less, and by nothing else.",
        "step_counter 随每个环境步恰好加 1，其他情况下不变。",
        evidence=both[0],
        kind="counter",
    )


@pytest.mark.question("A3CWorker")
def test_worker_random_streams(student, reference, rng):
    """Workers of different rank have streams of their own, in the environment and in the actions.

    不同 rank 的 worker 在环境与动作上都有各自的随机流。
    """
    for rank, seed in ((0, 3), (7, 0)):
        worlds = []
        for scene in scenes(student, reference, rng, seed=seed):
            worker, env = scene.worker(rank)
            for _ in range(2):
                worker.rollout()
            worlds.append(env)
        same_steps(worlds)


# --- the local network ----------------------------------------------------------------------------------------------


@pytest.mark.question("A3CWorker")
def test_worker_acts_with_its_local_network(student, reference, rng):
    """Another worker's update reaches this one at the next sync, and not before.

    其他 worker 的更新在下一次 sync 时才影响本 worker，而不是更早。
    """
    both, worlds = [], []
    for scene in scenes(student, reference, rng):
        worker, env = scene.worker()
        seen = []
        for sync_first in (False, True, False, True):
            if sync_first:
                worker.sync()
            scene.load(scene.rng)
            seen.append(worker.rollout())
        both.append(seen)
        worlds.append(env)
    for mine, right in zip(*both, strict=True):
        check.same(mine.values, right.values, "values")
        check.same(mine.log_probs, right.log_probs, "log_probs")
        check.same(mine.entropies, right.entropies, "entropies")
    check.same(
        *(float_tensor([as_float(r.bootstrap_value) for r in seen]) for seen in both),
        "bootstrap_value",
    )
    same_steps(worlds)


@pytest.mark.question("A3CWorker")
def test_worker_changes_shared_parameters_in_update_only(student, rng):
    """Neither sync nor rollout changes the shared parameters.

    sync 与 rollout 都不改变共享参数。
    """
    scene = Scene(student, rng)
    worker, _ = scene.worker()
    before = scene.parameters()
    worker.sync()
    worker.rollout()
    scene.load(rng)
    loaded = scene.parameters()
    worker.sync()
    worker.rollout()
    check.holds(
        all(not torch.equal(b, now) for b, now in zip(before, loaded, strict=True)),
        "The shared network did not take over what another worker wrote.",
        "共享网络没有保留其他 worker 写入的参数。",
        kind="shared",
    )
    check.same(scene.parameters(), loaded, "shared parameters")


# --- update ---------------------------------------------------------------------------------------------------------


def updates(student, reference, rng, count, optimizer=None, **changes):
    """The losses, and by how much the shared parameters moved, for both sides."""
    losses, steps = [], []
    for scene in scenes(student, reference, rng, optimizer, **changes):
        worker, _ = scene.worker()
        before, returned = scene.parameters(), []
        for _ in range(count):
            worker.sync()
            returned.append(worker.update(worker.rollout()))
        losses.append(returned)
        steps.append(moved(before, scene.parameters()))
    return losses, steps


@pytest.mark.question("A3CWorker")
@pytest.mark.builds_on(*EARLIER)
def test_worker_first_update(student, reference, rng):
    """One update: the loss it returns and what it does to the shared parameters.

    一次更新：返回的损失，以及对共享参数的改变。
    """
    losses, steps = updates(student, reference, rng, 1)
    check.same(*steps, "step")
    check.same(*losses, "loss", **CLOSE)
    check.constant(losses[0][0])


@pytest.mark.question("A3CWorker")
@pytest.mark.builds_on(*EARLIER)
def test_worker_second_update(student, reference, rng):
    """Two updates: gradients are cleared in between, and the second one is of the second rollout.

    两次更新：其间清空梯度，第二次更新来自第二段采样。
    """
    losses, steps = updates(student, reference, rng, 2)
    check.same(*steps, "step")
    check.same(*losses, "loss", **CLOSE)


@pytest.mark.question("A3CWorker")
@pytest.mark.builds_on(*EARLIER)
def test_worker_ten_updates(student, reference, rng):
    """Ten updates over episodes of every ending.

    经过各种结束方式的回合，共十次更新。
    """
    losses, steps = updates(student, reference, rng, 10)
    check.same(*steps, "step", rtol=1e-3, atol=1e-3)
    check.same(*losses, "loss", rtol=1e-3, atol=1e-3)


@pytest.mark.question("A3CWorker")
@pytest.mark.builds_on(*EARLIER)
@pytest.mark.parametrize("optimizer", ["SharedAdam", "SharedRMSprop"])
def test_worker_given_optimizers(student, reference, rng, optimizer):
    """Updates with the shared optimizers that the course uses.

    使用课程提供的共享优化器进行更新。
    """
    _, steps = updates(student, reference, rng, 3, optimizer)
    check.same(*steps, "step", rtol=1e-3, atol=1e-3)


@pytest.mark.question("A3CWorker")
@pytest.mark.builds_on(*EARLIER)
@pytest.mark.parametrize("limit", [0.5, 5.0])
def test_worker_clips_the_gradient(student, reference, rng, limit):
    """A gradient longer than max_grad_norm is shortened to it, as a whole.

    范数超过 max_grad_norm 的梯度整体缩短到该值。
    """
    _, steps = updates(student, reference, rng, 2, max_grad_norm=limit)
    check.same(*steps, "step", rtol=1e-3)


# --- together -------------------------------------------------------------------------------------------------------


@pytest.mark.question("A3CWorker")
@pytest.mark.builds_on(*EARLIER)
def test_worker_two_workers_interleaved(student, reference, rng):
    """Two workers take turns at one shared network: each pushes gradients, and no update is lost.

    两个 worker 交替更新同一个共享网络：推送的是梯度，任何一次更新都不会丢失。
    """
    steps, worlds, counts = [], [], []
    for scene in scenes(student, reference, rng):
        (one, first), (two, second) = scene.worker(0), scene.worker(1, EPISODES[1:])
        before = scene.parameters()
        for _ in range(3):
            one.sync()
            early = one.rollout()
            two.sync()
            late = two.rollout()
            one.update(early)
            one.sync()
            again = one.rollout()
            two.update(late)
            one.update(again)
        steps.append(moved(before, scene.parameters()))
        worlds.append((first, second))
        counts.append(scene.counter.value)
    check.same(*steps, "step", rtol=1e-3, atol=1e-3)
    for pair in zip(*worlds, strict=True):
        same_steps(pair)
    check.holds(
        counts[0] == counts[1],
        "Both workers count their steps in the one shared counter.",
        "两个 worker 的步数都计入同一个共享计数器。",
        evidence=counts[0],
        kind="counter",
    )


@pytest.mark.question("A3CWorker")
@pytest.mark.builds_on(*EARLIER)
def test_worker_run(student, reference, rng):
    """run: sync, rollout, update until the shared counter reaches max_steps.

    run：重复 sync、rollout、update，直到共享计数器达到 max_steps。
    """
    steps, worlds, counts = [], [], []
    for scene in scenes(student, reference, rng, start=100, max_steps=117):
        worker, env = scene.worker()
        scene.load(scene.rng)  # run starts with a sync
        before = scene.parameters()
        worker.run()
        steps.append(moved(before, scene.parameters()))
        counts.append(scene.counter.value)
        worlds.append(env)
    check.holds(
        counts[0] == counts[1],
        "run ends as soon as step_counter, which all workers share, has reached max_steps, and no sooner.",
        "所有 worker 共享的 step_counter 一达到 max_steps，run 就结束，也不会更早。",
        evidence=counts[0],
        kind="counter",
    )
    same_steps(worlds, updates_between=True)
    check.same(*steps, "step", rtol=1e-3, atol=1e-3)
    check.holds(
        ("close",) not in worlds[0].events,
        "run does not close the environment.",
        "run 不关闭环境。",
        kind="closed",
    )


@pytest.mark.question("A3CWorker")
@pytest.mark.builds_on(*EARLIER)
def test_worker_run_reaches_max_steps(student, rng):
    """run, when less than a whole rollout is left to do.

    当剩余步数不足一整段采样时的 run。
    """
    scene = Scene(student, rng, start=100, max_steps=115)
    worker, _ = scene.worker()
    worker.run()
    reached = scene.counter.value
    check.holds(
        reached >= 115,
        "run goes on while step_counter is below max_steps, even if less than a whole rollout is left to do.",
        "只要 step_counter 小于 max_steps，run 就继续，即使剩余步数不足一整段采样。",
        evidence=reached,
        kind="counter",
    )


@pytest.mark.question("A3CWorker")
def test_worker_run_has_nothing_left_to_do(student, rng):
    """run, when the other workers have taken max_steps already.

    当其他 worker 已经走完 max_steps 时的 run。
    """
    scene = Scene(student, rng, start=40, max_steps=40)
    worker, env = scene.worker()
    worker.run()
    took = sum(event[0] == "step" for event in env.events)
    check.holds(
        took == 0,
        "run goes on only while step_counter is below max_steps.",
        "只有当 step_counter 小于 max_steps 时 run 才继续。",
        evidence=took,
        kind="counter",
    )


class Lock:
    """The lock of a counter on a student's side, watched from here.

    Whenever it is free, another worker may count a step, and does: at each release and during each environment step.
    """

    def __init__(self, student, start):
        self.depth = self.taken = self.others = self.held_in_steps = 0
        enter, leave = {"side_effect": self.acquire}, {"side_effect": self.release}
        methods = {"acquire": enter, "__enter__": enter, "release": leave, "__exit__": leave}
        lock = student.module("unittest.mock").MagicMock(
            **{
                f"{name}.{key}": value
                for name, how in methods.items()
                for key, value in how.items()
            }
        )
        self.counter = student.module("multiprocessing").Value("i", start, lock=lock)
        self.raw = self.counter.get_obj()

    def acquire(self, *args, **kwargs):
        self.depth += 1
        self.taken += 1
        return True

    def release(self, *args, **kwargs):
        self.depth -= 1
        self.let_another_count()
        return False

    def let_another_count(self):
        if self.depth == 0:
            self.raw.value = self.raw.value + 1
            self.others += 1

    def watch(self):
        self.held_in_steps += self.depth > 0
        self.let_another_count()


@pytest.mark.question("A3CWorker")
def test_worker_locks_the_counter(student, rng):
    """The counter is locked for each addition, so that no other worker's step is lost, and not while the environment steps.

    每次加一时都锁住计数器，使其他 worker 的计数不会丢失；而环境执行 step 时不持有锁。
    """
    lock = Lock(student, 5)
    worker, env = Scene(student, rng).worker(counter=lock.counter, watch=lock.watch)
    worker.rollout()
    check.holds(
        lock.held_in_steps == 0,
        "The counter's lock is held while the environment steps: all other workers have to wait. Lock the addition alone.",
        "环境执行 step 时仍持有计数器的锁，其他 worker 只能等待。锁只应包住加法。",
        evidence=lock.held_in_steps,
        kind="lock_held",
    )
    lost = 5 + lock.others + sum(event[0] == "step" for event in env.events) - lock.raw.value
    check.holds(
        lost == 0 and lock.taken > 0,
        "Steps are lost when two workers count at the same time: reading the counter and writing it back must happen under one "
        "lock.",
        "两个 worker 同时计数时会丢失步数：读取与写回计数器必须在同一把锁内完成。",
        evidence=[lost, lock.taken > 0],
        kind="lock_missing",
    )


def play_at_once(student, workers, rollouts):
    """Let each worker roll out and update so many times in a process of its own; whether each ended well."""
    module = student.module
    take, partial = module("itertools").islice, module("functools").partial
    map_, iter_, list_ = (getattr(module("builtins"), name) for name in ("map", "iter", "list"))
    playing = [
        partial(list_, take(map_(worker.update, iter_(worker.rollout, None)), rollouts))
        for worker in workers
    ]
    if isinstance(student, LocalStudent):  # in the grader nothing is forked: they play in turn
        return [ends_well(play) for play in playing]
    context = module("multiprocessing").get_context("fork")
    processes = [context.Process(target=play) for play in playing]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    return [process.exitcode == 0 for process in processes]


def ends_well(play):
    try:
        play()
    except Exception:  # whatever it is, the process would have failed
        return False
    return True


def meeting_point(student, counter):
    """What an environment calls in each step, with a time-out in seconds: wait until the other worker is in a step, too.

    Raises where the other worker cannot be, because this one holds the counter's lock.
    """
    if not isinstance(student, LocalStudent):
        return student.module("multiprocessing").get_context("fork").Barrier(2).wait

    def meet(seconds):
        with ThreadPoolExecutor(1) as other:
            if not other.submit(
                lambda: counter.acquire(False) and (counter.release() or True)
            ).result():
                raise TimeoutError
        return 0

    return meet


def at_once(side, rng, rollouts):
    """Two workers at once on MountainCar: who ended well, how many steps they counted, which parameters moved."""
    module = side.module
    make, wrap = module("gymnasium").make, module("gymnasium").wrappers.TransformReward
    times, neg = module("operator").mul, module("operator").neg
    scene = Scene(side, rng)
    model = side.ActorCritic(2, 3, HIDDEN)
    model.share_memory()
    optimizer = side.SharedAdam(list(model.parameters()), lr=0.01)
    meet = meeting_point(side, scene.counter)
    before = [p.detach().clone() for p in model.parameters()]
    workers = []
    for rank in range(2):
        # No episode ends in so few steps, and each reward is −1: here, a wait of at most 15 s.
        env = wrap(wrap(make("MountainCar-v0"), module("functools").partial(times, -15.0)), neg)
        env.func = (
            meet  # in place of neg: a barrier cannot be copied into the wrapper's specification
        )
        workers.append(side.A3CWorker(rank, model, optimizer, env, scene.counter, scene.config))
    return {
        "ended_well": play_at_once(side, workers, rollouts),
        "count": scene.counter.value,
        "moved": [
            not torch.equal(b, p.detach()) for b, p in zip(before, model.parameters(), strict=True)
        ],
    }


@pytest.mark.question("A3CWorker")
@pytest.mark.builds_on(*EARLIER)
def test_worker_in_two_processes(student, reference, rng):
    """Two real processes at once: the count is exact, the shared parameters move, and nobody waits for the other's rollout.

    两个真实进程同时运行：计数准确，共享参数发生变化，谁也不必等待对方的采样。
    """
    reference = with_networks_of_its_own(student, reference, "ActorCritic", 2, 3, HIDDEN)
    mine, right = (at_once(side, rng.spawn(1)[0], rollouts=3) for side in (student, reference))
    check.holds(
        mine["ended_well"] == right["ended_well"],  # an earlier mistake may stop both
        "A worker in a process of its own failed, or had to wait for the other's whole rollout.",
        "独立进程中的 worker 出错，或不得不等待对方的整段采样结束。",
        evidence=mine["ended_well"],
        kind="processes",
    )
    check.holds(
        mine["count"] == right["count"],
        "Two processes together did not count exactly the steps that they took.",
        "两个进程合计的计数与实际执行的步数不一致。",
        evidence=mine["count"],
        kind="counter",
    )
    check.holds(
        mine["moved"] == right["moved"],
        "What the processes learned did not reach the shared parameters.",
        "各进程学到的内容没有到达共享参数。",
        evidence=mine["moved"],
        kind="shared",
    )


# --- does it learn? -------------------------------------------------------------------------------------------------


@pytest.mark.question("A3CWorker")
@pytest.mark.builds_on(*EARLIER)
def test_worker_teaches_an_agent(student, reference, rng):
    """A network that this worker trains learns which button each signal asks for.

    由这个 worker 训练的网络能学会每个信号对应的按钮。
    """
    reference = with_networks_of_its_own(student, reference, "ActorCritic", *A3C_NETWORK)
    check.holds(
        A3C.passes(student, copy.deepcopy(rng))
        or not A3C.passes(reference, rng),  # an earlier mistake may stop both
        "Trained by this worker, the network does not get better at its task.",
        "用这个 worker 训练，网络的表现没有提高。",
    )


# --- LSTMA3CWorker --------------------------------------------------------------------------------------------------


def same_rollouts(student, reference, rng, count):
    """What `count` rollouts with a memory return, and what they do to environment and counter, is the same."""
    both, worlds, counts = [], [], []
    for scene in scenes(student, reference, rng, lstm=True):
        worker, env = scene.worker()
        worker.sync()
        seen = []
        for _ in range(count):
            rollout = worker.rollout()
            seen += [numbers(rollout.rewards), rollout.log_probs.detach(), rollout.values.detach()]
            seen += [rollout.entropies.detach(), float_tensor(as_float(rollout.bootstrap_value))]
        both.append(seen)
        worlds.append(env)
        counts.append(scene.counter.value)
    same_steps(worlds)
    check.same(*both, "rollout")
    check.holds(
        counts[0] == counts[1],
        "step_counter grows by 1 with each environment step.",
        "step_counter 随每个环境步加 1。",
        evidence=counts[0],
        kind="counter",
    )


@pytest.mark.question("LSTMA3CWorker", gate=True)
def test_lstm_carries_its_memory_on(student, reference, rng):
    """Within an episode the memory goes on from step to step and from one rollout to the next.

    在一个回合内，记忆在各步之间、各段采样之间延续。
    """
    same_rollouts(student, reference, rng, 2)


@pytest.mark.question("LSTMA3CWorker")
def test_lstm_forgets_between_episodes(student, reference, rng):
    """A new episode starts without memory, however the last one ended.

    无论上一回合如何结束，新的回合都从没有记忆开始。
    """
    same_rollouts(student, reference, rng, ROLLOUTS)


@pytest.mark.question("LSTMA3CWorker")
@pytest.mark.builds_on(*EARLIER)
def test_lstm_first_update(student, reference, rng):
    """The gradient goes back through the rollout's steps.

    梯度沿采样的各步反向传播。
    """
    losses, steps = updates(student, reference, rng, 1, lstm=True)
    check.same(*steps, "step")
    check.same(*losses, "loss", **CLOSE)


@pytest.mark.question("LSTMA3CWorker")
@pytest.mark.builds_on(*EARLIER)
def test_lstm_gradient_ends_where_the_rollout_starts(student, reference, rng):
    """Several updates: the gradient does not reach back into earlier rollouts.

    多次更新：梯度不会传回更早的采样。
    """
    losses, steps = updates(student, reference, rng, 5, lstm=True)
    check.same(*steps, "step", rtol=1e-3, atol=1e-3)
    check.same(*losses, "loss", rtol=1e-3, atol=1e-3)
