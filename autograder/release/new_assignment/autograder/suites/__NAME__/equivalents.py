"""Right answers to the questions of __MODULE__.py that are written differently."""

from autograder.grading.variants import equivalent


@equivalent("discounted_return")
def backwards(rewards, gamma):
    total = torch.zeros((), dtype=rewards.dtype)
    for reward in rewards.flip(0):
        total = reward + gamma * total
    return total


@equivalent("discounted_return")
def growing_discount(rewards, gamma):
    total, discount = 0.0, 1.0
    for reward in rewards:
        total = total + discount * reward
        discount = discount * gamma
    return total


@equivalent("discounted_return")
def dot_product(rewards, gamma):
    discounts = [gamma**t for t in range(len(rewards))]
    return torch.dot(torch.tensor(discounts, dtype=rewards.dtype), rewards)
