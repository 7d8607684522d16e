"""Pages, API and intakes in one ASGI application: chunked intake bodies are lost under WSGI."""

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
os.environ.setdefault("DATABASE_POOL", "20")

from django.core.asgi import get_asgi_application

application = get_asgi_application()
