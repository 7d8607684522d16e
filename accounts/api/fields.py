"""Serializer fields shared by every resource."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.models import User


@extend_schema_field({"type": "object", "properties": {"username": {"type": "string"}, "name": {"type": "string"}}})
class PersonField(serializers.Field[Any, Any, Any, Any]):
    """Reads as {"username", "name"}; is written as a username."""

    def __init__(self, **kwargs: Any) -> None:
        if kwargs.get("read_only"):
            kwargs["allow_null"] = True  # people may be gone
        super().__init__(**kwargs)

    def to_representation(self, value: User) -> dict[str, str]:
        return {"username": value.username, "name": value.display_name}

    def to_internal_value(self, data: Any) -> User:
        name = data.get("username") if isinstance(data, dict) else data
        user = User.objects.choosable().filter(username=name).first() if isinstance(name, str) else None
        if user is None:
            raise serializers.ValidationError("Expected the username of an active person.")
        return user
