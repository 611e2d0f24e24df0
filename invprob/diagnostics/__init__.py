"""Diagnostics: how good an estimate is, and how exact a sampler."""
