"""The two ports: signals from outside, and the console for this machine."""
