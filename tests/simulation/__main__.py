"""``PYTHONPATH=tests python -m simulation``: lives seeds through and says what
happened.

What it may not do: anything that ``world.run_seed`` does not.
"""

from __future__ import annotations

import sys

from simulation.catalogue import hunt
from simulation.command import main
from simulation.world import run_seed

if __name__ == "__main__":
    sys.exit(main("simulation", __doc__, run_seed, hunt))
