"""Pages, API and intakes in one ASGI application: chunked intake bodies are lost under WSGI."""

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
os.environ.setdefault("DATABASE_POOL", "20")

from django.core.asgi import get_asgi_application  # noqa: E402 - the pool must be asked for before settings are read

application = get_asgi_application()
