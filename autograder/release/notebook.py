"""A lab as students get it: `lab.py`, in jupytext's percent format, becomes `lab.ipynb`."""

from __future__ import annotations

import jupytext

MASTER, NOTEBOOK = "lab.py", "lab.ipynb"

_METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


def notebook(source: str) -> bytes:
    """The notebook, not run yet; its bytes depend on `source` alone."""
    lab = jupytext.reads(source, fmt="py:percent")
    lab.metadata = _METADATA
    for number, cell in enumerate(lab.cells, start=1):
        cell |= {"id": f"cell-{number}", "metadata": {}, "source": cell["source"].strip()}
    return (jupytext.writes(lab, fmt="ipynb").rstrip() + "\n").encode()
