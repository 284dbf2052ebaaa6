"""The HTTP API of promises, calls and the gate: one subject per file."""
