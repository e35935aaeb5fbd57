"""Which case or region to look at next, and why: pure functions. Numpy only."""
