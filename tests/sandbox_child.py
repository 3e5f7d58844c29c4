"""The trivial program that the sandbox's tests run in a box: it executes what it is sent."""

from __future__ import annotations

import traceback

from autograder.sandbox import wire


def serve(channel):
    space = {"__name__": "sandboxed", "channel": channel}
    while (frame := wire.read_frame(channel)) is not None:
        space.update(wire.decode(frame), result=None)
        try:
            exec(space["code"], space)
            answer = repr(space["result"])
        except BaseException as error:
            traceback.print_exc()
            answer = type(error).__name__
        channel.sendall(wire.encode({"answer": answer}))
