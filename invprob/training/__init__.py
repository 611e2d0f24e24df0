"""Training: what `invprob train` and `ip.adapt` run."""
