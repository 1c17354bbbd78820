"""Questions that make no sense to Gradio's server: a refusal in words, where it would stumble and answer with a 500.

What the page and its endpoints are asked is worked on apart from the request, and says by itself what is wrong. So
what is raised while such a request is taken is about the request: a function or endpoint that there is not, a
number that JSON has no word for, a field in place of a file.
"""

import logging
import re
from typing import Any

from gradio.route_utils import FnIndexInferError

from segmenter.web.guard import answer

ASKING = re.compile(r"/gradio_api/(upload|queue/join|component_server|(call|run|api)/.+)$")
RAISED = (FnIndexInferError, LookupError, TypeError, ValueError)  # by Gradio as it reads a request

log = logging.getLogger(__name__)


class Nonsense:
    """ASGI middleware that answers a question that the server cannot make out (400).

    Args:
        app: the ASGI application behind it.
    """

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http" or not ASKING.search(scope.get("path", "").rstrip("/")):
            await self.app(scope, receive, send)
            return
        begun = False

        async def watched(message):
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self.app(scope, receive, watched)
        except RAISED:
            if begun:
                raise
            log.warning("a request to %s made no sense", scope["path"], exc_info=True)
            await answer(send, 400, "This request makes no sense to this page. Its API is described at /?view=api.")
