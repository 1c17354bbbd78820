"""Memory of a server with many threads: what is freed goes back to the system."""

import ctypes
import sys

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD, M_ARENA_MAX = -1, -3, -8  # of malloc.h
ARENAS = 2  # glibc has eight for each processor by default, each of which keeps what it once needed
LARGE = 2**20  # bytes: photos and maps, which then come from the system and go back to it


def return_freed_memory() -> None:
    """Let glibc give memory back as soon as it is freed. Other C libraries have no such settings, nor the need."""
    set_option = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform.startswith("linux") else None
    if set_option is None:
        return
    for option, value in ((M_ARENA_MAX, ARENAS), (M_MMAP_THRESHOLD, LARGE), (M_TRIM_THRESHOLD, LARGE)):
        set_option(option, value)
