"""Credentials at rest: Fernet (AES-128-CBC and HMAC-SHA256), keys from CREDENTIAL_KEYS, newest first."""

from __future__ import annotations

import base64
import json
from functools import lru_cache
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings


class CredentialProblem(Exception):
    """Stored credentials that no configured key can read."""

    retryable = False


@lru_cache
def _box(keys: tuple[str, ...]) -> MultiFernet:
    def derive(key: str) -> Fernet:
        raw = HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=b"debrief credentials").derive(key.encode())
        return Fernet(base64.urlsafe_b64encode(raw))

    return MultiFernet([derive(key) for key in keys])


def encrypt(value: dict[str, Any]) -> str:
    return _box(tuple(settings.CREDENTIAL_KEYS)).encrypt(json.dumps(value).encode()).decode()


def decrypt(token: str) -> dict[str, Any]:
    if not token:
        return {}
    try:
        value: dict[str, Any] = json.loads(_box(tuple(settings.CREDENTIAL_KEYS)).decrypt(token.encode()))
    except InvalidToken:
        raise CredentialProblem("Stored credentials cannot be read with CREDENTIAL_KEYS; enter them again.") from None
    return value


def rotate(token: str) -> str:
    """The same value under the first key; raises CredentialProblem as `decrypt` does."""
    return encrypt(decrypt(token)) if token else ""
