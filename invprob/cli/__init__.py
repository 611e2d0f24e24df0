"""The command line: one file for each command, put together in `app`.

Nothing that these files import at their top is slow: `invprob --help` loads no torch.
"""


def main() -> None:
    """Run the command line."""
    from .allocator import keep_freed_memory
    from .app import app

    keep_freed_memory()
    app(prog_name="invprob")
