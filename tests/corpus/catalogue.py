"""All files of the corpus by their names."""

from tests.corpus import damaged, heavy, jpeg, modern, png, tiff
from tests.corpus.case import Case

CASES: dict[str, Case] = {}
for _room in (jpeg, png, tiff, modern, damaged, heavy):
    for _case in _room.cases():
        if _case.name in CASES:
            raise ValueError(f"two files are called {_case.name}")
        CASES[_case.name] = _case
