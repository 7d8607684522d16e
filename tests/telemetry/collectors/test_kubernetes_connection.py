"""Kubeconfigs that are refused, each by the name of its field, and those that work."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from telemetry.collectors.kubernetes import InvalidKubeconfig, KubernetesCollector, validate_kubeconfig
from telemetry.observations import Connection, Status
from tests.stand_ins.certificates import Authority
from tests.stand_ins.kubernetes import KubernetesStandIn
from tests.telemetry.collectors.asking import ask


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


PEM = encoded("-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n")
KEY = encoded("-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----\n")


def make_kubeconfig(*, cluster: dict[str, Any] | None = None, user: dict[str, Any] | None = None) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "prod",
        "clusters": [{"name": "eu", "cluster": {"server": "https://k8s.example:6443", **(cluster or {})}}],
        "users": [{"name": "ada", "user": {"token": "t"} if user is None else user}],
        "contexts": [{"name": "prod", "context": {"cluster": "eu", "user": "ada", "namespace": "shop"}}],
    }


def test_the_current_context_alone_is_kept() -> None:
    config = make_kubeconfig(cluster={"certificate-authority-data": PEM, "extensions": [{"name": "x"}]})
    config["users"].append({"name": "other", "user": {"token": "not-needed"}})
    kept = validate_kubeconfig(yaml.safe_dump(config))
    assert kept["clusters"] == [
        {"name": "eu", "cluster": {"server": "https://k8s.example:6443", "certificate-authority-data": PEM}}
    ]
    assert kept["users"] == [{"name": "ada", "user": {"token": "t"}}]
    assert validate_kubeconfig(kept) == kept


def test_a_single_context_needs_no_current_context() -> None:
    config = make_kubeconfig()
    del config["current-context"]
    assert validate_kubeconfig(config)["current-context"] == "prod"


@pytest.mark.parametrize(
    ("config", "field"),
    [
        (make_kubeconfig(user={"exec": {"command": "aws"}}), "users[ada].user.exec"),
        (make_kubeconfig(user={"auth-provider": {"name": "gcp"}}), "users[ada].user.auth-provider"),
        (make_kubeconfig(user={"tokenFile": "/etc/passwd"}), "users[ada].user.tokenFile"),
        (make_kubeconfig(user={"client-certificate": "/c", "client-key": "/k"}), "users[ada].user.client-certificate"),
        (make_kubeconfig(user={"client-key": "/k"}), "users[ada].user.client-key"),
        (make_kubeconfig(user={"token": "t", "as": "root"}), "users[ada].user.as"),
        (make_kubeconfig(user={}), "users[ada].user"),
        (make_kubeconfig(user={"token": "a\nb"}), "users[ada].user.token"),
        (make_kubeconfig(user={"token": 5}), "users[ada].user.token"),
        (make_kubeconfig(user={"client-certificate-data": PEM}), "users[ada].user.client-key-data"),
        (make_kubeconfig(user={"client-certificate-data": "!", "client-key-data": KEY}), "client-certificate-data"),
        (make_kubeconfig(cluster={"certificate-authority": "/ca"}), "clusters[eu].cluster.certificate-authority"),
        (make_kubeconfig(cluster={"proxy-url": "http://p"}), "clusters[eu].cluster.proxy-url"),
        (make_kubeconfig(cluster={"server": "file:///etc"}), "clusters[eu].cluster.server"),
        (make_kubeconfig(cluster={"insecure-skip-tls-verify": "yes"}), "insecure-skip-tls-verify"),
        ({**make_kubeconfig(), "current-context": "gone"}, "current-context"),
        ({**make_kubeconfig(), "clusters": []}, "clusters"),
        ({**make_kubeconfig(), "users": "x"}, "users"),
        ({**make_kubeconfig(), "kind": "Secret"}, "kubeconfig"),
    ],
)
def test_what_cannot_be_used_is_named(config: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidKubeconfig) as caught:
        validate_kubeconfig(config)
    assert field in caught.value.field
    assert caught.value.expected


@pytest.mark.parametrize("text", ["", "a: [", "- 1", "x" * 300_000, "a: &a [1]\nb: *a", "!!python/object:os.system {}"])
def test_text_that_is_no_kubeconfig_is_refused(text: str) -> None:
    with pytest.raises(InvalidKubeconfig, match=r"^(kubeconfig|contexts)"):
        validate_kubeconfig(text)


def test_the_official_client_reads_the_same_server_from_what_is_kept() -> None:
    from kubernetes.config import new_client_from_config_dict

    client = new_client_from_config_dict(validate_kubeconfig(make_kubeconfig()))
    assert client.configuration.host == "https://k8s.example:6443"


def test_a_source_without_a_kubeconfig_is_not_configured() -> None:
    outcome, found = ask(KubernetesCollector(Connection(name="x")), "events")
    assert (outcome.status, found) == (Status.NOT_CONFIGURED, [])


def test_a_kubeconfig_that_leads_to_loopback_is_refused_unless_allowed() -> None:
    with KubernetesStandIn() as cluster:
        collector = KubernetesCollector(Connection(name="x", kubeconfig=cluster.kubeconfig()))
        outcome, _ = ask(collector, "events")
        assert outcome.status is Status.NOT_CONFIGURED
        assert "loopback" in outcome.reason
        assert cluster.requests == []


def test_a_kubeconfig_brings_its_own_authority_and_client_certificate(tmp_path: Path) -> None:
    authority = Authority()
    pair = authority.sign("reader")
    with KubernetesStandIn().secure(authority.server_context(tmp_path, ask_clients=True)) as cluster:
        config = cluster.kubeconfig()
        config["clusters"][0]["cluster"]["certificate-authority-data"] = encoded(authority.pem)
        config["users"][0]["user"] |= {
            "client-certificate-data": encoded(pair.cert),
            "client-key-data": encoded(pair.key),
        }
        outcome, _ = ask(KubernetesCollector(Connection(name="x", kubeconfig=config, allow_private=True)), "nodes")
    assert outcome.status is Status.COMPLETE


def test_a_preflight_tells_version_permissions_and_identity() -> None:
    with KubernetesStandIn() as cluster:
        collector = KubernetesCollector(Connection(name="x", kubeconfig=cluster.kubeconfig(), allow_private=True))
        checks = {check.name: check for check in collector.preflight()}
        assert all(check.ok for check in checks.values())
        assert checks["version"].detail == "v1.20.2"
        assert checks["identity"].detail == "6f0c8f0e-2b1d-4a53-9a0e-3d6f7a1c5b42"


def test_a_preflight_spells_the_missing_rule() -> None:
    with KubernetesStandIn() as cluster:
        cluster.deny("", "pods/log")
        cluster.deny("apps", "replicasets")
        connection = Connection(name="x", kubeconfig=cluster.kubeconfig(), allow_private=True)
        failing = [check for check in KubernetesCollector(connection).preflight() if not check.ok]
    rules = [yaml.safe_load(check.remedy) for check in failing]
    assert rules == [
        [{"apiGroups": ["apps"], "resources": ["replicasets"], "verbs": ["get", "list", "watch"]}],
        [{"apiGroups": [""], "resources": ["pods/log"], "verbs": ["get"]}],
    ]


def test_a_preflight_with_refused_credentials_stops_there() -> None:
    with KubernetesStandIn() as cluster:
        config = json.loads(json.dumps(cluster.kubeconfig()).replace("stand-in-token", "old-token"))
        connection = Connection(name="x", kubeconfig=config, allow_private=True)
        checks = KubernetesCollector(connection).preflight()
    assert [(check.name, check.ok) for check in checks][-1] == ("authenticated", False)
