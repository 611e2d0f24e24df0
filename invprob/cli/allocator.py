"""Memory that a command frees stays with it, rather than going back to the system page by page.

The C library of most Linux systems (glibc) gives every piece of memory of more than 32 MiB, which
tensors of images are, back to the system when it is freed. The next tensor then gets pages that
the system has to find and to clear, at their first touch, and a denoiser makes some hundred such
tensors in a call. The command line therefore asks for pieces of up to `LARGEST` bytes to be kept,
and for what is free beyond `SPARE` to be given back as ever, which bounds what is held for
nothing.

Measured on one thread of a virtual AMD EPYC, torch 2.13, colour images, in seconds of the
program's own time and of the system's, and the most memory at a time:

                              given back (user, system, most)      kept
    PnP, 2 steps, 1024 x 1024       7.9 s   2.1 s   1.0 GiB        7.6 s  0.4 s  1.1 GiB
    one call, 4096 x 4096         100.7 s  21.4 s   1.3 GiB       98.4 s  0.3 s  1.6 GiB

A library must not decide this for the process that it is in: `import invprob` leaves it alone, and
`docs/costs.md` says what to type for programs in Python. Whoever has set one of glibc's variables
has decided it already. Other C libraries have no such switch, and nothing is done there.

Reference: mallopt(3), Linux manual pages, https://man7.org/linux/man-pages/man3/mallopt.3.html
"""

from __future__ import annotations

import os
import sys

LARGEST = 256 * 2**20
"""Bytes of the largest piece that is kept: the largest that a tile of the denoiser asks for are
half of that; whole images of 20 megapixels and more go back at once."""
SPARE = 2**30
"""Bytes that may be free at the top of the heap before they are given back."""

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
"""What mallopt calls the two, in <malloc.h>."""

OWN = ("MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_", "MALLOC_TOP_PAD_", "MALLOC_MMAP_MAX_")
"""Variables of those who have thought of it; `GLIBC_TUNABLES` is another."""


def keep_freed_memory() -> bool:
    """Ask for it; whether it was granted."""
    said = any(name in os.environ for name in OWN)
    if sys.platform != "linux" or said or "malloc" in os.environ.get("GLIBC_TUNABLES", ""):
        return False
    import ctypes

    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):  # no C library of that kind
        return False
    granted = (mallopt(M_MMAP_THRESHOLD, LARGEST), mallopt(M_TRIM_THRESHOLD, SPARE))
    return all(granted)
