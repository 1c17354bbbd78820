"""What went wrong with the machine, in words: a full disk, too little memory."""

import errno

FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
SAYS_FULL = ("no space left", "disk quota exceeded", "file too large")
SAYS_SHORT = ("resource_exhausted", "resource exhausted", "out of memory", "oom when allocating", "cannot allocate memory")


def in_words(error):
    """What to do about an error of the machine, or None where the error is of another kind.

    TensorFlow and JAX have errors of their own, which is why the message counts as well as the class.
    """
    text = f"{type(error).__name__} {error}".lower()
    if getattr(error, "errno", None) in FULL or any(words in text for words in SAYS_FULL):
        return "the disk is full. Nothing that was saved is lost: free some space"
    if isinstance(error, MemoryError) or getattr(error, "errno", None) == errno.ENOMEM:
        return _SHORT
    if any(words in text for words in SAYS_SHORT) or type(error).__name__ == "ResourceExhaustedError":
        return _SHORT
    return None


_SHORT = (
    "there is too little memory. Nothing that was saved is lost: close other programs, or begin anew with "
    "a smaller --batch or --size"
)
