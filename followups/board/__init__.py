"""Where the board's numbers, lists and exports come from."""
