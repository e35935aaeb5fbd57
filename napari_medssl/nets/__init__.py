"""Networks: encoders, decoders, heads, EMA. Torch, but no files, runs or screens."""
