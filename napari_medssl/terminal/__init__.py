"""What a person sees in a terminal, and what a machine reads there: for the commands and the demo."""
