"""Zips of any names and any damage: nothing is written outside their folder, and what is wrong is said in words."""

import pytest
from hypothesis import assume, given, strategies as st

from segmenter.batch.find import safe_name
from tests.fuzz import seeds, targets
from tests.properties.strategies import changed_files

pytestmark = pytest.mark.filterwarnings("ignore")
PARTS = st.text(max_size=12) | st.sampled_from(["..", ".", "", "C:", "con", "a" * 300, "椅" * 120, "x.png", "~", " "])
ENDS = st.sampled_from([".png", ".jpg", ".json", ""])
NAMES = st.builds(
    lambda parts, mark, end: mark.join(parts) + end, st.lists(PARTS, max_size=4), st.sampled_from("/\\"), ENDS
)


@given(st.dictionaries(NAMES, st.binary(max_size=30), max_size=4))
def test_members_of_any_names_stay_in_their_folder(members):
    try:
        data = targets.zipped(members)
    except (UnicodeError, IndexError):  # Python's own writer refuses lone surrogates, and names of nothing
        assume(False)
    assert targets.archive(data)


@given(changed_files("archive"))
def test_changed_zips_are_unpacked_or_refused(data):
    assert targets.archive(data)


@given(st.binary(max_size=120), st.sampled_from(seeds.seeds("archive")))
def test_what_stands_before_a_zip_leads_nowhere_else(start, data):
    assert targets.archive(start + data)


@given(NAMES)
def test_a_safe_name_is_one_on_every_disk(name):
    parts = safe_name(name).split("/")
    assert not {"", ".", ".."}.intersection(parts) and not set("".join(parts)) & set('\0\n\\:*?"<>|')
    assert all(len(part.encode()) <= 250 for part in parts)
