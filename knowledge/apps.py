from django.apps import AppConfig


class KnowledgeConfig(AppConfig):
    name = "knowledge"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        # Its receivers hear what the actions of incidents did; nothing else imports them.
        from knowledge import receivers  # noqa: F401
