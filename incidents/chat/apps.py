from django.apps import AppConfig


class ChatConfig(AppConfig):
    name = "incidents.chat"
    label = "chat"

    def ready(self) -> None:
        # Each file registers its service and hears what the actions did; nothing else imports them.
        from incidents.chat import annotations, mattermost, receivers, teams  # noqa: F401
