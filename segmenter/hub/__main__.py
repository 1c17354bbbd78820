"""`python -m segmenter.hub push|pull|space`: weights and the Hub; see `segmenter.hub.weights`."""

import sys

from segmenter.hub import weights

sys.exit(weights.main())
