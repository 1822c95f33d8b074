"""The parts of the scheduler, none of which does I/O or reads a clock."""
