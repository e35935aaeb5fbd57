"""Tools to label with: pure functions from what is on the screen to what shall change. `catalog` lists them."""
