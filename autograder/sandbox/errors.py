"""How a sandboxed submission can end before its time."""

from __future__ import annotations


class SandboxError(Exception):
    """The submission's process is gone. `status` is a result's status; `messages` is what a student reads."""

    status = "crashed"
    messages = {
        "en": "The program ended by itself before it answered.",
        "zh": "程序在给出答案之前自行终止。",
    }

    def __init__(self, detail: str = "") -> None:
        super().__init__(detail or self.messages["en"])


class SandboxCrashed(SandboxError):
    """It exited, was killed by a signal, or broke the protocol."""


class SandboxTimedOut(SandboxError):
    """It used up its time, or slept for too long."""

    status = "timed_out"
    messages = {
        "en": "The time limit was reached: is there an endless loop, or a wait for something that never comes?",
        "zh": "超过时间限制：是否有死循环，或在等待永远不会发生的事情？",
    }


class SandboxOutOfMemory(SandboxError):
    """It asked for more memory than the limit allows."""

    status = "out_of_memory"
    messages = {
        "en": "The memory limit was reached: does something grow without bound, or broadcast to a huge matrix?",
        "zh": "超过内存限制：是否有无限增长的数据，或广播成了巨大的矩阵？",
    }
