from allauth.account import views as doors
from django.urls import URLPattern, URLResolver, include, path
from django.views.generic import RedirectView, TemplateView

from config import home, operations

password_help = TemplateView.as_view(template_name="account/password_reset.html")
urlpatterns: list[URLPattern | URLResolver] = [
    path("", home.home, name="home"),
    path("", include("accounts.urls")),
    path("", include("telemetry.urls")),
    path("", include("incidents.urls")),
    path("", include("incidents.slack.urls")),
    path("", include("knowledge.urls")),
    # Of django-allauth only what works without mail; people are added by an admin.
    path("accounts/login/", doors.login, name="account_login"),
    path("accounts/logout/", doors.logout, name="account_logout"),
    path("accounts/signup/", RedirectView.as_view(pattern_name="account_login"), name="account_signup"),
    path("accounts/inactive/", doors.account_inactive, name="account_inactive"),
    path("accounts/reauthenticate/", doors.reauthenticate, name="account_reauthenticate"),
    path("accounts/password/change/", doors.password_change, name="account_change_password"),
    path("accounts/password/set/", doors.password_set, name="account_set_password"),
    path("accounts/password/reset/", password_help, name="account_reset_password"),
    path("api/v1/", include("config.api")),
    path("healthz", operations.healthz, name="healthz"),
    path("readyz", operations.readyz, name="readyz"),
    path("metrics", operations.metrics, name="metrics"),
]
