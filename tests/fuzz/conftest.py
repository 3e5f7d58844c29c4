"""The helpers of the tests one folder up can be imported here."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
