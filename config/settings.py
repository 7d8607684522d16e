"""Settings of the whole project, all from the environment (docs/operating/configuration.md lists every name)."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from psycopg.conninfo import make_conninfo

from config.env import Environment, EnvironmentProblem

BASE_DIR = Path(__file__).resolve().parent.parent
env = Environment()

SECRET_KEY = env.text("SECRET_KEY")
if len(SECRET_KEY) < 32:
    raise EnvironmentProblem("SECRET_KEY", "is too short; expected at least 32 characters")
# Comma-separated; the first encrypts, the others still decrypt (manage.py rotate_credentials). See accounts/encryption.py.
CREDENTIAL_KEYS = env.words("CREDENTIAL_KEYS", SECRET_KEY)
DEBUG = False
BASE_URL = env.origin("BASE_URL", f"http://127.0.0.1:{env.number('PORT', 8000, least=1, most=65535)}")
ALLOWED_HOSTS = env.words("ALLOWED_HOSTS", "127.0.0.1,localhost,[::1]")
CSRF_TRUSTED_ORIGINS = [BASE_URL]
DATA_DIR = Path(env.text("DEBRIEF_DATA_DIR", str(BASE_DIR / ".debrief")))

INSTALLED_APPS = [
    "config",
    "knowledge",
    "incidents.slack",
    "incidents.chat",
    "incidents",
    "telemetry",
    "accounts",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "rest_framework",
    "drf_spectacular",
    "django_filters",
    "django_htmx",
    "allauth",
    "allauth.account",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "config.probes.ProbeMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "accounts.middleware.ContentSecurityPolicyMiddleware",
    "accounts.middleware.PlainTextMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "accounts.middleware.SignInRequiredMiddleware",
    "accounts.middleware.ReaderZoneMiddleware",
]

ROOT_URLCONF = "config.urls"
ASGI_APPLICATION = "config.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "OPTIONS": {
            "loaders": [
                (
                    "django.template.loaders.cached.Loader",
                    [
                        "django.template.loaders.filesystem.Loader",
                        "django.template.loaders.app_directories.Loader",
                    ],
                )
            ],
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "config.context.page",
            ],
        },
    }
]

DATABASES = {"default": env.database("DATABASE_URL")}
# A forked worker must not share a pool; the web process asks for one (config/asgi.py).
if pool_size := env.number("DATABASE_POOL", 0, most=200):
    # Telemetry senders and probes give up after ten seconds; they shall get their 503 before.
    DATABASES["default"]["OPTIONS"]["pool"] = {"min_size": 2, "max_size": pool_size, "timeout": 3}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

CELERY_BROKER_URL = env.text("CELERY_BROKER_URL", "pgmq://")
if CELERY_BROKER_URL.startswith("pgmq://"):
    CELERY_BROKER_URL = "pgmq://localhost"  # a name for kombu's log; the address is conn_string
    _db = DATABASES["default"]
    CELERY_BROKER_TRANSPORT_OPTIONS = {
        "conn_string": make_conninfo(
            dbname=_db["NAME"],
            user=_db["USER"],
            password=_db["PASSWORD"],
            host=_db["HOST"],
            port=_db["PORT"] or "5432",
        ),
        "init_extension": False,
        "wait_time_seconds": 0,
        "use_notify": True,
        "notify_throttle_interval_ms": 0,
        "polling_interval": 0.1,
        "visibility_timeout": 300,
        "pool_size": 3,
    }
elif CELERY_BROKER_URL.startswith(("redis://", "rediss://")):
    CELERY_BROKER_TRANSPORT_OPTIONS = {
        "visibility_timeout": 300,
        # Without these two a task whose worker died came back after 91 s.
        "unacked_restore_interval": 2,
        "unacked_restore_throttle": 1,
    }
elif CELERY_BROKER_URL.startswith(("amqp://", "amqps://")):
    CELERY_BROKER_TRANSPORT_OPTIONS = {}
else:
    raise EnvironmentProblem("CELERY_BROKER_URL", "expected redis://, rediss://, amqp://, amqps:// or pgmq://")
CELERY_TASK_DEFAULT_QUEUE = "debrief"
# Talking has a queue of its own, so that a worker may be kept for it while collectors fill the others.
CELERY_TASK_QUEUES: dict[str, dict[str, str]] = {"debrief": {}, "chat": {}}
CELERY_TASK_ROUTES = {"incidents.chat.*": {"queue": "chat"}, "incidents.slack.*": {"queue": "chat"}}
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_ENABLE_REMOTE_CONTROL = False
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_TIME_LIMIT = 120
CELERY_TASK_SOFT_TIME_LIMIT = 110
CELERY_TASK_PUBLISH_RETRY_POLICY = {"max_retries": 1, "interval_start": 0, "interval_step": 0.2}
CELERY_TIMEZONE = "UTC"
# While an incident is open its sources are asked again after so many seconds.
COLLECT_AGAIN_SECONDS = env.number("COLLECT_AGAIN_SECONDS", 300, least=10, most=86_400)
CELERY_BEAT_SCHEDULE = {
    "sweep-collections": {"task": "incidents.tasks.sweep_collections", "schedule": timedelta(seconds=5)},
    "collect-open-incidents": {
        "task": "incidents.tasks.collect_open_incidents",
        "schedule": timedelta(seconds=COLLECT_AGAIN_SECONDS),
    },
    "watch-signals": {"task": "incidents.alerting.watch_signals", "schedule": timedelta(seconds=15)},
    "watch-alerts": {"task": "incidents.alert_watch.watch_alerts", "schedule": timedelta(seconds=3)},
    "settle-texts": {"task": "incidents.tasks.settle_texts", "schedule": timedelta(seconds=30)},
    "remind-postmortems": {"task": "incidents.tasks.remind_postmortems", "schedule": timedelta(hours=1)},
    "remind-incidents": {"task": "incidents.tasks.remind_incidents", "schedule": timedelta(minutes=1)},
    "sweep-matches": {
        "task": "knowledge.tasks.sweep_matches",
        "schedule": timedelta(seconds=5),
        "options": {"expires": 5},
    },
    "sweep-search": {
        "task": "knowledge.tasks.sweep_search",
        "schedule": timedelta(seconds=5),
        "options": {"expires": 5},
    },
    "sweep-signals": {"task": "incidents.tasks.sweep_signals", "schedule": timedelta(seconds=5)},
    "sweep-slack": {"task": "incidents.slack.tasks.sweep", "schedule": timedelta(seconds=5)},
    "slack-digests": {"task": "incidents.slack.tasks.send_digests", "schedule": timedelta(minutes=15)},
    "slack-workspace": {
        "task": "incidents.slack.tasks.check_workspace",
        "schedule": timedelta(seconds=30),
        "options": {"expires": 30},
    },
    "prune-slack": {"task": "incidents.slack.tasks.prune", "schedule": timedelta(hours=1)},
    "sweep-checks": {"task": "knowledge.tasks.sweep_checks", "schedule": timedelta(seconds=5)},
    "start-due-checks": {"task": "knowledge.tasks.start_due_checks", "schedule": timedelta(minutes=1)},
    "read-due-recovery": {"task": "knowledge.tasks.read_due_recovery", "schedule": timedelta(minutes=10)},
    "sweep-chat": {"task": "incidents.chat.tasks.sweep", "schedule": timedelta(seconds=5)},
    "prune-chat": {"task": "incidents.chat.tasks.prune", "schedule": timedelta(hours=1)},
    "prune-accounts": {"task": "accounts.tasks.prune", "schedule": timedelta(hours=1)},
    "prune-trials": {"task": "telemetry.tasks.prune_trials", "schedule": timedelta(hours=1)},
    "prune-intake": {"task": "telemetry.tasks.prune_intake", "schedule": timedelta(hours=1)},
    "keep-archive": {"task": "telemetry.tasks.keep_archive", "schedule": timedelta(hours=1)},
    "sweep-exports": {"task": "knowledge.tasks.sweep_exports", "schedule": timedelta(seconds=10)},
    "prune-exports": {"task": "knowledge.tasks.prune_exports", "schedule": timedelta(hours=1)},
    "heartbeat": {"task": "telemetry.tasks.beat", "schedule": timedelta(seconds=30)},
}

SLACK_BOT_TOKEN = env.token("SLACK_BOT_TOKEN", "xoxb-")
SLACK_SIGNING_SECRET = env.text("SLACK_SIGNING_SECRET", "")
SLACK_APP_TOKEN = env.token("SLACK_APP_TOKEN", "xapp-")
SLACK_API_URL = env.address("SLACK_API_URL", "https://slack.com/api/")
TEAMS_WEBHOOK_URL = env.address("TEAMS_WEBHOOK_URL", "")
MATTERMOST_WEBHOOK_URL = env.address("MATTERMOST_WEBHOOK_URL", "")
if SLACK_BOT_TOKEN and not (SLACK_SIGNING_SECRET or SLACK_APP_TOKEN):
    raise EnvironmentProblem(
        "SLACK_SIGNING_SECRET",
        "is not set; with SLACK_BOT_TOKEN expected it for HTTP, or SLACK_APP_TOKEN for Socket Mode",
    )

INTAKE_RETENTION_DAYS = env.number("INTAKE_RETENTION_DAYS", 14, least=1, most=3_650)
INTAKE_MAX_ROWS = env.number("INTAKE_MAX_ROWS", 5_000_000, least=1_000, most=10_000_000_000)
INTAKE_MAX_SERIES = env.number("INTAKE_MAX_SERIES", 10_000, least=1, most=10_000_000)
ARCHIVE_RETENTION_DAYS = env.number("ARCHIVE_RETENTION_DAYS", 90, least=1, most=3_650)

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
ACCOUNT_ADAPTER = "accounts.adapters.ClosedSignUpAdapter"
ACCOUNT_LOGIN_METHODS = {"username", "email"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "email*", "password1*", "password2*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_SESSION_REMEMBER = True
LOGIN_REDIRECT_URL = "home"
LOGIN_URL = "account_login"

LANGUAGE_CODE = "en"
USE_I18N = False
USE_TZ = True
TIME_ZONE = "UTC"
STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
# The committed bundle is served as it lies in static/; nothing has to be collected.
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = False
WHITENOISE_MAX_AGE = 3600

# Debrief behind a proxy that ends TLS: cookies and redirects follow BASE_URL.
_https = BASE_URL.startswith("https://")
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if _https else None
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = _https
SECURE_HSTS_SECONDS = 31_536_000 if _https else 0
SESSION_COOKIE_AGE = 14 * 24 * 3600
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
# Intakes cap their own bodies after decompression; forms and JSON stay below this.
DATA_UPLOAD_MAX_MEMORY_SIZE = 2_500_000

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "accounts.api.authentication.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["accounts.api.permissions.RolePermission"],
    "DEFAULT_PARSER_CLASSES": ["accounts.api.parsers.StorableJSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PAGINATION_CLASS": "accounts.api.pagination.CursorPages",
    "DEFAULT_FILTER_BACKENDS": ["django_filters.rest_framework.DjangoFilterBackend"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "accounts.api.problems.problem_response",
    "PAGE_SIZE": 50,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Debrief",
    "DESCRIPTION": "Incidents, evidence, post-mortems, follow-ups and lessons.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "SERVE_PERMISSIONS": ["accounts.api.permissions.RolePermission"],
    "SERVE_INCLUDE_SCHEMA": False,
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_NAME_OVERRIDES": {"IncidentStatusEnum": "incidents.models.incident.Status.choices"},
}

LOG_LEVEL = env.choice("LOG_LEVEL", "WARNING", ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"))
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": LOG_LEVEL},
}
