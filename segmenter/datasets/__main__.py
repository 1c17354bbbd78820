"""`python -m segmenter.datasets push|pull|info`: data sets and the Hub; see `segmenter.hub.datasets`."""

import sys

from segmenter.hub import datasets

sys.exit(datasets.main())
