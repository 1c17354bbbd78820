"""What becomes of memory that is freed, in the programs of this project: some of it is kept for the next photo.

Each photo takes some dozen arrays of megabytes for a moment. Left alone, glibc gives most of them back to the system and
asks for them anew, and the system clears each page again, which takes a good part of a photo's time.
"""

import ctypes
import sys

TRIM_THRESHOLD, TOP_PAD, MMAP_THRESHOLD, ARENA_MAX = -1, -2, -3, -8  # of malloc.h
KEPT = 64 * 2**20  # bytes that may lie idle
AHEAD = 16 * 2**20  # bytes that are asked for beyond what is needed, so that it is seldom done
LARGE = 32 * 2**20  # bytes from which on memory comes from the system and goes back to it, as glibc insists
ARENAS = 1  # that all threads share, which work for milliseconds on what they take; by default eight a processor


def reuse(kept: int = KEPT, ahead: int = AHEAD, arenas: int | None = ARENAS) -> None:
    """Let glibc keep freed memory for what comes next. Other C libraries have no such settings.

    It is for programs to call, before they start threads, as it concerns all that a process does: the library itself
    never does.

    Args:
        kept: bytes that may lie idle in each arena.
        ahead: bytes that are asked for at a time beyond what is needed.
        arenas: places that threads take memory from; None leaves that to glibc.
    """
    set_option = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform.startswith("linux") else None
    if set_option is None:  # musl has none
        return
    for option, value in ((TRIM_THRESHOLD, kept), (TOP_PAD, ahead), (MMAP_THRESHOLD, LARGE), (ARENA_MAX, arenas)):
        if value is not None:
            set_option(option, value)
