"""Planning, data and the one training loop."""
