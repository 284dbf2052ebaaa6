"""Plots as plain geometry: numbers in, shapes out. Knows nothing of promises, and draws nothing."""
