"""Gradescope's export: a folder a submission, and a YAML file that says whose it is and when it came."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import yaml

from autograder.grading.trees import Entry, Unreadable

METADATA = "submission_metadata.yml"
MAX_METADATA = 64 * 2**20


@dataclass(frozen=True)
class Exported:
    """One submission of the export; several students when they worked as a group."""

    students: tuple[dict[str, str], ...]  # each with name, sid, email, as far as known
    submitted_at: datetime | None


UNKNOWN = Exported((), None)


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """Plain data only; Ruby's own tags become the data they wrap."""


def _plain(loader: Any, _: str, node: yaml.Node) -> Any:
    if isinstance(node, yaml.MappingNode):
        return loader.construct_mapping(node)
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node)
    return loader.construct_scalar(node)


_Loader.add_multi_constructor("!", _plain)


def read(entry: Entry) -> dict[str, Exported]:
    """The submissions of an export by folder; empty when the file is damaged, and folders' names must do."""
    try:
        data = yaml.load(entry.read(MAX_METADATA), _Loader)
    except (Unreadable, yaml.YAMLError, ValueError, RecursionError):
        return {}
    if not isinstance(data, dict):
        return {}
    return {str(folder): _exported(item) for folder, item in data.items() if isinstance(item, dict)}


def _exported(item: dict[str, Any]) -> Exported:
    submitters = _field(item, "submitters")
    students = [
        {key: str(value).strip() for key in ("name", "sid", "email") if (value := _field(one, key))}
        for one in (submitters if isinstance(submitters, list) else [])
        if isinstance(one, dict)
    ]
    return Exported(tuple(filter(None, students)), _time(_field(item, "created_at")))


def _field(item: dict[str, Any], key: str) -> Any:
    return item.get(f":{key}", item.get(key))


def _time(value: Any) -> datetime | None:
    if isinstance(value, dict):
        value = value.get("utc") or value.get("time")
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value.strip().replace("Z", "+00:00"))
        except ValueError:
            return None
    return value if isinstance(value, datetime) else None
