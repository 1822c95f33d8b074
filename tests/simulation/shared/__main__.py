"""``PYTHONPATH=tests python -m simulation.shared``: seeds of machines that share a
ledger.

What it may not do: anything that ``world.run_seed`` does not.
"""

from __future__ import annotations

import sys

from simulation.command import main
from simulation.shared.mutants import hunt
from simulation.shared.world import run_seed

if __name__ == "__main__":
    sys.exit(main("simulation.shared", __doc__, run_seed, hunt))
