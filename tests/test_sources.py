"""Places: every layout gives the same pairs, and every broken one its own message."""

import pytest

from segmenter import dataset, inspection, sources
from tests import broken


def look_over(place, cache):
    """What the command line does before it trains; returns the usable pairs."""
    findings = inspection.check(sources.open_place(place, cache=cache), size=32)
    findings.insist()
    return findings.pairs


@pytest.mark.parametrize("name", broken.IDS)
def test_a_broken_data_set_is_told_what_is_wrong_and_what_to_do(name, tmp_path):
    build, words = broken.BROKEN[name]
    with pytest.raises(dataset.DatasetError) as failure:
        look_over(build(tmp_path), tmp_path / "cache")
    assert all(word in str(failure.value) for word in words), str(failure.value)
    assert not (tmp_path.parent / "escaped.png").exists()


def test_no_two_broken_data_sets_have_the_same_message(tmp_path):
    messages = {}
    for name, (build, _) in broken.BROKEN.items():
        (tmp_path / name).mkdir()
        with pytest.raises(dataset.DatasetError) as failure:
            look_over(build(tmp_path / name), tmp_path / name / "cache")
        messages[str(failure.value).replace(f"/{name}/", "/")] = name
    assert len(messages) == len(broken.BROKEN) >= 15


def test_the_sound_data_set_that_they_were_broken_from_passes(tmp_path):
    assert len(look_over(broken.folder(tmp_path), tmp_path / "cache")) == broken.COUNT
