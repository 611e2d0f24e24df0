"""Whether a command keeps the memory that it frees, asked of the C library."""

import os
import platform
import subprocess
import sys

import pytest

COUNT = """
import ctypes, resource, sys
{how}
libc = ctypes.CDLL(None)
libc.malloc.restype, libc.free.argtypes = ctypes.c_void_p, [ctypes.c_void_p]
def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    piece = libc.malloc(ctypes.c_size_t(50_000_000))
    ctypes.memset(piece, 1, 50_000_000)
    libc.free(piece)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
print(faults(), faults())
"""
COMMAND = """
import invprob.cli
sys.argv = ["invprob", "--version"]
try:
    invprob.cli.main()
except SystemExit:
    pass
"""

glibc = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="this is about glibc")


def second_faults(how, **variables):
    """Page faults of a large piece of memory, in the place of one that was freed before."""
    env = {name: value for name, value in os.environ.items() if "MALLOC" not in name}
    env.pop("GLIBC_TUNABLES", None)
    done = subprocess.run(
        [sys.executable, "-c", COUNT.format(how=how)],
        env=env | variables,
        capture_output=True,
        text=True,
        check=True,
    )
    first, second = map(int, done.stdout.splitlines()[-1].split())
    return second / first


@glibc
def test_a_command_keeps_what_it_frees():
    assert second_faults(COMMAND) < 0.1


@glibc
def test_a_library_and_a_user_decide_for_themselves():
    assert second_faults("import invprob.cli.app") > 0.9
    assert second_faults(COMMAND, MALLOC_MMAP_THRESHOLD_="1000000") > 0.9
    assert second_faults(COMMAND, GLIBC_TUNABLES="glibc.malloc.mmap_threshold=1000000") > 0.9
