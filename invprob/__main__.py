"""`python -m invprob` is `invprob`."""

from .cli import main

main()
