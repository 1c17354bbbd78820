"""An application of a few lines, served as the page is."""

import contextlib
import threading
import time

import uvicorn

from segmenter.web.patience import patient


@contextlib.contextmanager
def served(application, *patience, **more):
    """Serve an ASGI application with the page's patience, of these values; (host, port)."""
    config = uvicorn.Config(application, port=0, log_level="warning", lifespan="off")
    config.load()
    config.http_protocol_class = patient(config.http_protocol_class, *patience, **more)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield server.servers[0].sockets[0].getsockname()
    server.should_exit = True
    thread.join()
