"""The main job in one command: a generated cohort, two rounds of it, a table and pictures."""
