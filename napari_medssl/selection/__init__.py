"""Which case or region to look at next, and why: pure functions without torch or Qt."""
