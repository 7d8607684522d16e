"""The manner of every resource: ETag and If-Match, idempotency keys, writes that call one action."""

from __future__ import annotations

import hashlib
import json
from typing import Any, cast

from django.core.exceptions import ObjectDoesNotExist
from django.db import IntegrityError, models, transaction
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from accounts.api.problems import problem
from accounts.models import IdempotencyKey, User
from accounts.problems import InvalidInput

IDEMPOTENCY = OpenApiParameter(
    "Idempotency-Key",
    str,
    OpenApiParameter.HEADER,
    description="A repeated POST with the same key is answered from the first one.",
)
IF_MATCH = OpenApiParameter(
    "If-Match",
    str,
    OpenApiParameter.HEADER,
    description="The ETag that the change is based on; a stale one gets 412 with the current object.",
)


def etag(row: Any) -> str:
    return f'"{row.resource_version}"'


class ResourceViewSet(GenericViewSet[Any]):
    """Subclasses give queryset, serializers and `perform_create` / `perform_update` / `perform_destroy`."""

    def now(self) -> Any:
        return timezone.now()

    def person(self) -> User:
        assert isinstance(self.request.user, User)  # noqa: S101 - RolePermission let only people through
        return self.request.user

    def answer(self, row: Any, *, status: int = 200) -> Response:
        headers = {"ETag": etag(row)} if hasattr(row, "resource_version") else {}
        return Response(self.get_serializer(row).data, status=status, headers=headers)

    def fresh(self, row: models.Model) -> Any:
        """The row with the queryset's annotations and prefetches, as an answer needs it."""
        return self.get_queryset().get(pk=row.pk)

    def locked(self) -> Any:
        """The row under lock, after permission and visibility were checked."""
        seen = self.get_object()
        type(seen)._default_manager.select_for_update().get(pk=seen.pk)
        return self.get_object()

    def stale(self, request: Request, row: Any) -> Response | None:
        wanted = [
            part.strip().removeprefix("W/") for part in request.headers.get("If-Match", "").split(",") if part.strip()
        ]
        if not wanted or "*" in wanted or etag(row) in wanted:
            return None
        return self.conflict(row)

    def conflict(self, row: Any) -> Response:
        current = self.get_serializer(row).data
        answer = problem(412, "Somebody changed this in the meantime. Nothing was overwritten.", current=current)
        answer.headers["ETag"] = etag(row)
        return answer

    def once(self, request: Request, act: Any) -> Response:
        """Run `act() -> Response` in one transaction, or answer as the first request of this key was answered."""
        key = request.headers.get("Idempotency-Key", "")
        if not key:
            with transaction.atomic():
                return act()  # type: ignore[no-any-return]
        if len(key) > 200:
            raise ValidationError({"Idempotency-Key": "Expected at most 200 characters."})
        digest = hashlib.sha256(str(request.method).encode() + request.path.encode() + _body(request)).hexdigest()
        try:
            with transaction.atomic():
                row = IdempotencyKey.objects.create(
                    user=self.person(), key=key, path=request.path, request_digest=digest
                )
                response: Response = act()
                row.status, row.body, row.headers = (
                    response.status_code,
                    _plain(response),
                    dict(response.headers),
                )
                row.save()
                return response
        except IntegrityError:
            first = IdempotencyKey.objects.filter(user=self.person(), key=key).first()
            if first is None:
                raise
        if first.request_digest != digest:
            return problem(
                422,
                "This Idempotency-Key was used for another request.",
                errors={"Idempotency-Key": "Use a new key."},
            )
        return Response(first.body, status=first.status, headers={**first.headers, "Idempotency-Replayed": "true"})


def _body(request: Request) -> bytes:
    return json.dumps(request.data, sort_keys=True, default=str).encode()


def _plain(response: Response) -> Any:
    """Rendered once here, so that a replay is the same to the letter."""
    return json.loads(JSONRenderer().render(response.data)) if response.data is not None else None


class ListMixin:
    @extend_schema(summary="List")
    def list(self: Any, request: Request, *args: Any, **kwargs: Any) -> Response:
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        answer: Response = self.get_paginated_response(self.get_serializer(page, many=True).data)
        return answer


class RetrieveMixin:
    @extend_schema(summary="Read one")
    def retrieve(self: Any, request: Request, *args: Any, **kwargs: Any) -> Response:
        answer: Response = self.answer(self.get_object())
        return answer


class CreateMixin:
    @extend_schema(summary="Create", parameters=[IDEMPOTENCY])
    def create(self: Any, request: Request, *args: Any, **kwargs: Any) -> Response:
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        answer: Response = self.once(
            request,
            lambda: self.answer(self.fresh(self.perform_create(serializer.validated_data)), status=201),
        )
        return answer


class UpdateMixin:
    @extend_schema(summary="Change", parameters=[IF_MATCH])
    @transaction.atomic
    def partial_update(self: Any, request: Request, *args: Any, **kwargs: Any) -> Response:
        row = self.locked()
        if (refused := self.stale(request, row)) is not None:
            answer: Response = refused
            return answer
        serializer = self.get_serializer(row, data=request.data, partial=True)
        serializer.is_valid(raise_exception=True)
        changed = self.perform_update(row, serializer.validated_data)
        try:
            return cast(Response, self.answer(self.fresh(changed)))
        except ObjectDoesNotExist:
            raise InvalidInput("", "After this you would no longer see it yourself. Nothing was changed.") from None


class DestroyMixin:
    @extend_schema(summary="Delete", parameters=[IF_MATCH])
    @transaction.atomic
    def destroy(self: Any, request: Request, *args: Any, **kwargs: Any) -> Response:
        row = self.locked()
        if (refused := self.stale(request, row)) is not None:
            answer: Response = refused
            return answer
        self.perform_destroy(row)
        return Response(status=204)
