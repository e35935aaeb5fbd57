"""How to learn. `catalog` is readable without torch; the learners are not."""
