"""What is fast, measured against its limit and its peers: `python -m bench NAME`."""
