"""Pages, API, intakes and sockets in one ASGI application: chunked intake bodies are lost under WSGI."""

import gc
import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
os.environ.setdefault("DATABASE_POOL", "20")

from django.core.asgi import get_asgi_application

# Only now: what follows needs Django set up.
pages = get_asgi_application()

from channels.routing import ProtocolTypeRouter  # noqa: E402

from config.bodies import BodyLimit  # noqa: E402
from config.sockets import sockets  # noqa: E402

# What is loaded now stays for good: collecting garbage without looking through it takes a fifth off a large push.
gc.collect()
gc.freeze()
gc.set_threshold(20_000, 20, 50)

application = ProtocolTypeRouter({"http": BodyLimit(pages), "websocket": sockets})  # type: ignore[arg-type]  # Mapping there, MutableMapping in the specification
