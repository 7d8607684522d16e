from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "accounts"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        # Its receivers write the audit trail; allauth itself imports it only with the first sign-in page.
        from accounts import adapters  # noqa: F401
