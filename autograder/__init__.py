"""Autograded homework on policy gradients: release, collect, grade, explain."""

__version__ = "0.1.0"
