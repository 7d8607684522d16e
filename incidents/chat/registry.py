"""The chat services there are. Each registers itself: who knows the outbox needs to know none of them."""

from __future__ import annotations

from typing import Protocol

from incidents.chat.lanes import Never
from incidents.models import Delivery


class Service(Protocol):
    """`deliver` does what one row asks; it raises `Later` and `Never`."""

    @property
    def name(self) -> str: ...

    def is_on(self) -> bool: ...

    def deliver(self, delivery: Delivery) -> None: ...


_services: dict[str, Service] = {}


def register(service: Service) -> Service:
    _services[service.name] = service
    return service


def deliver(delivery: Delivery) -> None:
    service = _services.get(delivery.service)
    if service is None or not service.is_on():
        raise Never(f"{delivery.service.capitalize()} is not configured any more.")
    service.deliver(delivery)
