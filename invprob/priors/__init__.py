"""Priors: which images are likely."""
