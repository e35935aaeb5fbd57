"""What is seen: each panel draws a `PanelState` and says what was asked for."""
