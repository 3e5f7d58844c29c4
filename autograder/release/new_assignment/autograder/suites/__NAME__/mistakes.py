"""Answers to the questions of __MODULE__.py that must lose points, each with a hint."""

from autograder.grading.variants import mistake


@mistake(
    "discounted_return",
    en="Later rewards are to count less: the discount γ is missing.",
    zh="越靠后的奖励权重越小：这里缺少折扣因子 γ。",
)
def without_discount(rewards, gamma):
    return rewards.sum()


@mistake(
    "discounted_return",
    en="Time is counted from 0: the first reward is not discounted.",
    zh="时间从 0 开始计：第一步的奖励不打折扣。",
)
def time_from_one(rewards, gamma):
    return (gamma ** torch.arange(1, len(rewards) + 1, dtype=rewards.dtype) * rewards).sum()


@mistake(
    "discounted_return",
    en="The discounts run the wrong way: the last reward is the one that counts least.",
    zh="折扣的方向反了：权重最小的应是最后一步的奖励。",
)
def from_the_end(rewards, gamma):
    return (gamma ** torch.arange(len(rewards), dtype=rewards.dtype).flip(0) * rewards).sum()


@mistake(
    "discounted_return",
    en="The return is a sum over the steps, not a mean.",
    zh="回报是各步之和，而不是平均值。",
)
def mean_over_steps(rewards, gamma):
    return (gamma ** torch.arange(len(rewards), dtype=rewards.dtype) * rewards).mean()


@mistake(
    "discounted_return",
    en="The return is one number; here there is one for each step.",
    zh="回报是一个数，而这里每一步各有一个。",
)
def one_for_each_step(rewards, gamma):
    return (gamma ** torch.arange(len(rewards), dtype=rewards.dtype) * rewards).cumsum(0)
