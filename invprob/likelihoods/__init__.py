"""Likelihoods: how a measurement arises from an image. One file per idea."""
