"""`python -m segmenter …`: the command line; see `segmenter.cli`."""

import sys

from segmenter.cli import main

if __name__ == "__main__":
    sys.exit(main(program="python -m segmenter"))
