"""The commands of the command line, one module each.

A module has `HELP`, `add_arguments(parser)` and `run(arguments, screen) -> dict`; what `run` returns is what `--json`
prints. Heavy packages are imported inside `run` only.
"""
