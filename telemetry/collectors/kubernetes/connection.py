"""Kubeconfigs: what is accepted, and the HTTP client that comes of one.

A kubeconfig is somebody else's file. Programs to run (`exec`, `auth-provider`) and paths to read
are refused by name; what is kept is the current context alone, in a form of our own.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from telemetry.http import Http, SourceError, check_url
from telemetry.observations import Budget, Connection, Status

LONGEST = 256 * 1024
FILE_FIELDS = {
    "certificate-authority": "certificate-authority-data with the certificate itself",
    "client-certificate": "client-certificate-data with the certificate itself",
    "client-key": "client-key-data with the key itself",
    "tokenFile": "token with the token itself",
}
REFUSED_FIELDS = {
    "exec": "a static token or client certificate: Debrief runs no programs; a ServiceAccount token works",
    "auth-provider": "a static token or client certificate: auth-provider is not supported",
    "proxy-url": "a server that can be reached without a proxy",
    "as": "credentials of the account itself, without impersonation",
    **FILE_FIELDS,
}
CLUSTER_FIELDS = ("server", "certificate-authority-data", "insecure-skip-tls-verify", "tls-server-name")
USER_FIELDS = ("token", "client-certificate-data", "client-key-data", "username", "password")


class InvalidKubeconfig(ValueError):
    """`field` is the path of what is wrong, `expected` what should stand there."""

    def __init__(self, field: str, expected: str) -> None:
        super().__init__(f"{field}: expected {expected}")
        self.field = field
        self.expected = expected


def validate_kubeconfig(given: Mapping[str, Any] | str) -> dict[str, Any]:
    """The current context of a kubeconfig as a kubeconfig of its own; raises `InvalidKubeconfig`."""
    config = _parsed(given)
    context_name, context = _current_context(config)
    cluster_name, cluster = _named(config, "clusters", "cluster", context.get("cluster"), CLUSTER_FIELDS)
    user_name, user = _named(config, "users", "user", context.get("user"), USER_FIELDS)
    _check_cluster(cluster, f"clusters[{cluster_name}].cluster")
    _check_user(user, f"users[{user_name}].user")
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": context_name,
        "clusters": [{"name": cluster_name, "cluster": cluster}],
        "users": [{"name": user_name, "user": user}],
        "contexts": [{"name": context_name, "context": {"cluster": cluster_name, "user": user_name}}],
    }


@dataclass(frozen=True, slots=True)
class Access:
    """Where an API server is and what it wants to see; keys of `auth` as in `Connection`."""

    url: str
    auth: Mapping[str, str] = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    ca_pem: str
    verify: bool
    allow_private: bool
    server_name: str


def open_http(connection: Connection, budget: Budget) -> Http:
    """The client for a connection's kubeconfig; raises `SourceError` if it holds none that is valid."""
    access = access_of(connection)
    return Http(budget=budget, **{name: getattr(access, name) for name in Access.__dataclass_fields__})


def access_of(connection: Connection) -> Access:
    """What a connection's kubeconfig says; raises `SourceError` if it holds none that is valid."""
    if not connection.kubeconfig:
        raise SourceError(Status.NOT_CONFIGURED, "this source has no kubeconfig", remedy="Upload a kubeconfig.")
    try:
        config = validate_kubeconfig(connection.kubeconfig)
    except InvalidKubeconfig as error:
        raise SourceError(Status.NOT_CONFIGURED, f"kubeconfig: {error}", remedy="Upload it again.") from None
    cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
    auth = {
        "bearer": user.get("token", ""),
        "username": user.get("username", ""),
        "password": user.get("password", ""),
        "client_cert": _decoded(user.get("client-certificate-data", "")),
        "client_key": _decoded(user.get("client-key-data", "")),
    }
    return Access(
        url=cluster["server"],
        auth={key: value for key, value in auth.items() if value},
        headers=connection.headers,
        ca_pem=_decoded(cluster.get("certificate-authority-data", "")) or connection.ca_pem,
        verify=connection.verify and not cluster.get("insecure-skip-tls-verify", False),
        allow_private=connection.allow_private,
        server_name=cluster.get("tls-server-name", ""),
    )


class _PlainLoader(yaml.SafeLoader):
    """YAML without anchors, so that a small file cannot unfold into a large one."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.events.AliasEvent):
            raise yaml.YAMLError("aliases are not accepted")
        return super().compose_node(parent, index)


def _parsed(given: Mapping[str, Any] | str) -> Mapping[str, Any]:
    value: Any = given
    if isinstance(given, str):
        if len(given) > LONGEST:
            raise InvalidKubeconfig("kubeconfig", f"at most {LONGEST // 1024} KiB")
        try:
            value = yaml.load(given, _PlainLoader)  # noqa: S506  a SafeLoader without aliases
        except (yaml.YAMLError, RecursionError, ValueError):
            raise InvalidKubeconfig("kubeconfig", "YAML or JSON without aliases") from None
    if not isinstance(value, Mapping) or value.get("kind", "Config") != "Config":
        raise InvalidKubeconfig("kubeconfig", "a mapping of kind Config")
    return value


def _current_context(config: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    contexts = {entry["name"]: entry.get("context") for entry in _entries(config, "contexts")}
    name = config.get("current-context") or (next(iter(contexts)) if len(contexts) == 1 else "")
    context = contexts.get(name)
    if not isinstance(context, Mapping):
        raise InvalidKubeconfig("current-context", f"the name of one of the contexts ({_listed(contexts)})")
    return str(name), context


def _entries(config: Mapping[str, Any], field: str) -> list[Mapping[str, Any]]:
    entries = config.get(field)
    well_formed = isinstance(entries, list) and all(
        isinstance(entry, Mapping) and isinstance(entry.get("name"), str) for entry in entries
    )
    if not isinstance(entries, list) or not entries or not well_formed:
        raise InvalidKubeconfig(field, "a list of entries with a name each")
    return entries


def _named(
    config: Mapping[str, Any], field: str, key: str, name: Any, kept: tuple[str, ...]
) -> tuple[str, dict[str, Any]]:
    entries = {entry["name"]: entry.get(key) for entry in _entries(config, field)}
    found = entries.get(name) if isinstance(name, str) else None
    if not isinstance(found, Mapping):
        raise InvalidKubeconfig(f"contexts[].context.{key}", f"the name of one of the {field} ({_listed(entries)})")
    for refused, expected in REFUSED_FIELDS.items():
        if found.get(refused):
            raise InvalidKubeconfig(f"{field}[{name}].{key}.{refused}", expected)
    value = {item: found[item] for item in kept if found.get(item)}
    for item, content in value.items():
        if not isinstance(content, bool if item == "insecure-skip-tls-verify" else str):
            raise InvalidKubeconfig(
                f"{field}[{name}].{key}.{item}", "text" if item != CLUSTER_FIELDS[2] else "true or false"
            )
    return str(name), value


def _check_cluster(cluster: Mapping[str, Any], path: str) -> None:
    try:
        check_url(cluster.get("server", ""))
    except SourceError:
        raise InvalidKubeconfig(f"{path}.server", "an https:// address with a host and no user or query") from None
    _check_pem(cluster, path, "certificate-authority-data", "CERTIFICATE")


def _check_user(user: Mapping[str, Any], path: str) -> None:
    _check_pem(user, path, "client-certificate-data", "CERTIFICATE")
    _check_pem(user, path, "client-key-data", "PRIVATE KEY")
    if bool(user.get("client-certificate-data")) != bool(user.get("client-key-data")):
        raise InvalidKubeconfig(f"{path}.client-key-data", "client-certificate-data and client-key-data together")
    if not (user.get("token") or user.get("client-key-data") or user.get("username")):
        raise InvalidKubeconfig(path, "a token, or client-certificate-data with client-key-data")
    token = user.get("token", "x")
    if not token.isascii() or not token.isprintable():
        raise InvalidKubeconfig(f"{path}.token", "printable ASCII on one line")


def _check_pem(owner: Mapping[str, Any], path: str, field: str, kind: str) -> None:
    if field in owner and f"{kind}-----" not in _decoded(owner[field]):
        raise InvalidKubeconfig(f"{path}.{field}", f"base64 of a PEM block ({kind.lower()})")


def _decoded(text: str) -> str:
    try:
        return base64.b64decode("".join(text.split()), validate=True).decode()
    except (binascii.Error, ValueError):
        return ""


def _listed(names: Mapping[str, Any]) -> str:
    return ", ".join(str(name)[:60] for name in list(names)[:10]) or "there are none"
