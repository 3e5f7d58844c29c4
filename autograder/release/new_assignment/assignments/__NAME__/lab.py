# %% [markdown]
# # __NAME__: the lab · 实验
#
# A place to play with your own functions. Students get it as a notebook, `lab.ipynb`.
#
# 在这里试用你自己的函数。学生拿到的是笔记本 `lab.ipynb`。

# %%
# %load_ext autoreload
# %autoreload 2
from contextlib import contextmanager

import __MODULE__
import matplotlib.pyplot as plt
import torch


@contextmanager
def unless_todo():
    """Names the TODO that a cell still waits for, and lets the rest of the notebook run."""
    try:
        yield
    except NotImplementedError as missing:
        print(f"TODO {missing}: not implemented yet · 尚未实现")


# %% [markdown]
# ## `discounted_return`
#
# Ten steps that pay 1 each: how far does γ see?
#
# 十步，每步奖励为 1：γ 能看多远？

# %%
with unless_todo():
    gammas = torch.linspace(0, 1, 51).tolist()
    returns = [__MODULE__.discounted_return(torch.ones(10), gamma) for gamma in gammas]
    plt.plot(gammas, returns)
    plt.xlabel("γ")
    plt.ylabel("return")
