"""Parameters that live on both sides of the wire.

The grader's leaf tensor and the parameter inside the sandbox carry the same number. Each message
says which values and `.grad`s have changed since the last one, so that both sides hold the same.
"""

from __future__ import annotations

from typing import Any

import torch


class Mirror:
    """One side's numbered leaf tensors.

    Args:
        grads_in_place: write a changed gradient into the tensor that is there, so that a `.grad`
            which another parameter shares changes too; otherwise put a new one, so that whoever
            holds the old one keeps its values.
    """

    def __init__(self, grads_in_place: bool) -> None:
        self.leaves: dict[int, torch.Tensor] = {}
        self.numbers: dict[int, int] = {}
        self._in_place = grads_in_place
        self._known: dict[int, tuple[torch.Tensor | None, torch.Tensor | None]] = {}

    def add(self, number: int, leaf: torch.Tensor) -> None:
        """Mirror one more leaf."""
        self.leaves[number] = leaf
        self.numbers[id(leaf)] = number

    def clear(self) -> None:
        """Mirror nothing any more."""
        for held in (self.leaves, self.numbers, self._known):
            held.clear()

    def size(self) -> int:
        """Bytes of all values and gradients."""
        held = [t for leaf in self.leaves.values() for t in (leaf, leaf.grad) if t is not None]
        return sum(tensor.numel() * tensor.element_size() for tensor in held)

    def changes(self) -> list[dict[str, Any]]:
        """What the other side does not know yet, of the leaves that have changed.

        {"leaf": number, "value": tensor, "grad": tensor or None} each, without what is the same.
        """
        found = []
        for number, leaf in self.leaves.items():
            value, grad = self._known.get(number, (None, None))
            change: dict[str, Any] = {}
            if not _equal(leaf.detach(), value):
                change["value"] = leaf.detach()
            if not _equal(leaf.grad, grad):
                change["grad"] = leaf.grad if leaf.grad is None else leaf.grad.detach().to_dense()
            if change:
                self._remember(number)
                found.append({"leaf": number, **change})
        return found

    def apply(self, changes: list[dict[str, Any]]) -> None:
        """Take over what the other side's `changes` said."""
        for change in changes:
            leaf = self.leaves[change["leaf"]]
            if "value" in change:
                _put(leaf, change["value"])
            if "grad" in change:
                self._put_grad(leaf, change["grad"])
            self._remember(change["leaf"])

    def _put_grad(self, leaf: torch.Tensor, grad: torch.Tensor | None) -> None:
        present = leaf.grad
        if (
            self._in_place
            and present is not None
            and grad is not None
            and _same_layout(present, grad)
        ):
            present.copy_(grad)
        else:
            leaf.grad = grad

    def _remember(self, number: int) -> None:
        leaf = self.leaves[number]
        grad = None if leaf.grad is None else leaf.grad.detach().to_dense().clone()
        self._known[number] = (leaf.detach().clone(), grad)


def _put(leaf: torch.Tensor, value: torch.Tensor) -> None:
    if _same_layout(leaf, value):
        leaf.data.copy_(value)
    else:
        leaf.data = value


def _same_layout(one: torch.Tensor, other: torch.Tensor) -> bool:
    return one.shape == other.shape and one.dtype == other.dtype


def _equal(one: torch.Tensor | None, other: torch.Tensor | None) -> bool:
    if one is None or other is None:
        return one is other
    return _same_layout(one, other) and torch.equal(one, other)
