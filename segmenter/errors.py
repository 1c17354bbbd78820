"""Every error that a person may read, each with a code that translations go by; and what to do about a full disk.

    raise PhotoError("This file is larger than {limit} MB. Please make it smaller.", "photo.too_large", limit=30)

The message is English and says what to do. The code is short and stays what it is; the values are what the
message names. The page finds its words in other languages by code, see `segmenter.web.problems`.
"""

import errno
from typing import Any


class ChairliftError(ValueError):
    """Something is wrong that a person can mend; the message says what it is and what to do.

    Args:
        message: in English; where there are `values`, their names stand in it in braces.
        code: short and stable, such as "photo.damaged"; by default that of the class.
        values: what the message names, such as `limit=30`.
    """

    code = "error"

    def __init__(self, message: str, code: str | None = None, **values: Any) -> None:
        super().__init__(message.format(**values) if values else message)
        self.code = code or type(self).code
        self.values = values


class PhotoError(ChairliftError):
    """A file that cannot be taken as a photo, or something that cannot be done with one."""

    code = "photo"


class DiskFullError(PhotoError):
    """There is no room for a result; what was there stays as it was."""

    code = "disk"


class GoneError(PhotoError):
    """The file was sent to the page, but so long ago that it is deleted."""

    code = "gone"


class Notice(ChairliftError):
    """What a person should know of a result. It is handed over, never raised."""

    code = "notice"


class DatasetError(ChairliftError):
    """A data set that cannot be trained on; the message says which file and what to do."""

    code = "dataset"


class OutlineError(ChairliftError):
    """An outline that cannot be drawn; the message says why."""

    code = "dataset.outline"


class MaskError(ChairliftError):
    """A mask picture that cannot be read as a mask."""

    code = "dataset.mask"


class WeightsError(ChairliftError):
    """A place that holds no usable weights; the message says what is missing."""

    code = "weights"


class HubError(WeightsError):
    """What cannot be pushed, pulled or trusted; the message says why and what to do."""

    code = "hub"


class UnreachableError(HubError):
    """The Hub gave no answer, or none that helps; later it may."""

    code = "hub.unreachable"


class MissingError(HubError):
    """There is no such repository, or none that may be seen."""

    code = "hub.missing"


class EncoderWeightsError(ChairliftError, RuntimeError):
    """The ImageNet weights cannot be had, or are not the ones we know."""

    code = "encoder"


class RunError(ChairliftError):
    """A run that cannot begin or go on as it was asked to; the message says why and what to do."""

    code = "run"


class ReportError(ChairliftError):
    """A report or a table that cannot be written; the message says where and what to do."""

    code = "report"


# The machine's own errors

FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}  # the disk, somebody's share of it, or the limit of a file
FULL_MESSAGES = ("no space left", "disk quota exceeded", "file too large")
MEMORY_MESSAGES = (
    "resource_exhausted",
    "resource exhausted",
    "out of memory",
    "oom when allocating",
    "cannot allocate memory",
)
DISK_ADVICE = "the disk is full. Nothing that was saved is lost: free some space"
MEMORY_ADVICE = (
    "there is too little memory. Nothing that was saved is lost: close other programs, or begin anew with "
    "a smaller --batch or --size"
)


def is_disk_full(error: BaseException) -> bool:
    """Whether an error says that there is no room left on the disk, or in somebody's share of it."""
    return isinstance(error, OSError) and error.errno in FULL


def advice(error: BaseException) -> str | None:
    """What to do about an error of the machine, or None where the error is of another kind.

    TensorFlow and JAX have errors of their own, which is why the message counts as well as the class.
    """
    text = f"{type(error).__name__} {error}".lower()
    number = getattr(error, "errno", None)
    if number in FULL or any(words in text for words in FULL_MESSAGES):
        return DISK_ADVICE
    if isinstance(error, MemoryError) or number == errno.ENOMEM or type(error).__name__ == "ResourceExhaustedError":
        return MEMORY_ADVICE
    return MEMORY_ADVICE if any(words in text for words in MEMORY_MESSAGES) else None
