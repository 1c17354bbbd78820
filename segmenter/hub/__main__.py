"""`python -m segmenter.hub push|pull|space …`: what `chairlift push|pull|space …` does, under its earlier name."""

import sys

from segmenter.cli import main

sys.exit(main(program="python -m segmenter.hub"))
