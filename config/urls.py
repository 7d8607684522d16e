from django.urls import URLPattern, URLResolver, include, path
from django.views.generic import RedirectView

from config import home, operations

urlpatterns: list[URLPattern | URLResolver] = [
    path("", home.home, name="home"),
    path("", include("accounts.urls")),
    path("", include("telemetry.urls")),
    path("", include("incidents.urls")),
    path("", include("knowledge.urls")),
    path("accounts/signup/", RedirectView.as_view(pattern_name="account_login"), name="account_signup"),
    path("accounts/", include("allauth.account.urls")),
    path("api/v1/", include("config.api")),
    path("healthz", operations.healthz, name="healthz"),
    path("readyz", operations.readyz, name="readyz"),
    path("metrics", operations.metrics, name="metrics"),
]
