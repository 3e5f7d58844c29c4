"""Grading: from what was handed in to results.

One thread of torch a process, decided before torch is imported: a process that ran a tensor operation with several threads
cannot be forked safely.
"""

import os

for _name in ("OMP", "MKL", "OPENBLAS", "NUMEXPR"):
    os.environ[f"{_name}_NUM_THREADS"] = "1"
