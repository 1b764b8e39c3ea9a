"""Codriver: a local co-driver beside the editor that calls the right model for every request."""

__version__ = "0.1.0"
