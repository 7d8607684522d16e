from django.apps import AppConfig


class SlackConfig(AppConfig):
    name = "incidents.slack"
    label = "slack"
    verbose_name = "Slack"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        # Its receivers hear what the actions did; nothing else imports them.
        from incidents.slack import receivers  # noqa: F401
