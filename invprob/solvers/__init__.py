"""Solvers: methods that join a prior and a likelihood."""
