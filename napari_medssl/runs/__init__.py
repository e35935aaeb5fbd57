"""The vocabulary of a run: spec, events, status, journal, drivers. No torch, no Qt."""
