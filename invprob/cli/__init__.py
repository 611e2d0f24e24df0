"""The command line: one file for each command, put together in `app`.

Nothing that these files import at their top is slow: `invprob --help` loads no torch.
"""

import io
import sys


def main() -> None:
    """Run the command line."""
    from .allocator import keep_freed_memory
    from .app import app

    keep_freed_memory()
    if isinstance(sys.stdout, io.TextIOWrapper) and sys.stdout.errors == "strict":
        sys.stdout.reconfigure(errors="backslashreplace")  # as standard error, for odd file names
    app(prog_name="invprob")
