"""Imports: a file is cut into batches, its lines are staged and judged, then written; or undone."""
