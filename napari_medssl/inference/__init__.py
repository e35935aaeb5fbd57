"""From a model to proposals: preprocessing, tiles, probabilities on the case's own grid, uncertainty."""
