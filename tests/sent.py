"""Zips as visitors send them and get them, and what is right in them."""

import csv
import io
import zipfile

from segmenter import open_photo
from segmenter.render.options import Choices
from segmenter.render.render import produce
from tests.standin import RedSegmenter


def zipped(**members):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return file.getvalue()


def expected(data, **choices):
    photo = open_photo(data)
    return produce(photo, RedSegmenter().probabilities(photo), Choices(**choices).at(0.5)).data


def unzip(file):
    with zipfile.ZipFile(file["path"]) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    return members, list(csv.DictReader(io.StringIO(members.pop("results.csv").decode())))
