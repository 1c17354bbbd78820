"""`python -m segmenter.datasets push|pull|info …`: what `chairlift data …` does, under its earlier name."""

import sys

from segmenter.cli import main

sys.exit(main(["data", *sys.argv[1:]], program="python -m segmenter"))
