"""`invprob demo`."""


def demo() -> None:
    """Demo."""
