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
def _derived(key: str, purpose: str) -> bytes:
    return HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=purpose.encode()).derive(key.encode())


@lru_cache
def _box(keys: tuple[str, ...]) -> MultiFernet:
    return MultiFernet([Fernet(base64.urlsafe_b64encode(_derived(key, "debrief credentials"))) for key in keys])


def digest_key(about: str) -> bytes:
    """32 bytes for the digests of values that are not kept, of the first key; `about` tells whose values they are."""
    return _derived(settings.CREDENTIAL_KEYS[0], f"debrief env digests {about}")


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
