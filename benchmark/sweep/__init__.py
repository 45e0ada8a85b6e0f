"""Searches. Imports nothing: the report reads what a search has found, and needs neither PyTorch nor Ray for it."""
