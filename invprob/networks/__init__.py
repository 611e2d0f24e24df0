"""Networks that priors hold, and their weights."""
