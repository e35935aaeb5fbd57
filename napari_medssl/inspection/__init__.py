"""Looking inside a model: what its encoder keeps apart, what it restores, where it looks, what each part of it says."""
