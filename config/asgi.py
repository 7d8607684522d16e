"""Pages, API and intakes in one ASGI application: chunked intake bodies are lost under WSGI."""

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
os.environ.setdefault("DATABASE_POOL", "20")

from django.core.asgi import get_asgi_application

from config.bodies import BodyLimit

application = BodyLimit(get_asgi_application())  # type: ignore[arg-type]  # Mapping there, MutableMapping in the specification
