"""How a run is watched: events to a board, a board to lines, lines to a terminal."""
