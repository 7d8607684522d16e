"""Secrets in text and in Kubernetes objects are found, masked and counted."""

from __future__ import annotations

import json
import re
import time
from collections import Counter

import pytest
from detect_secrets.core.scan import scan_line
from detect_secrets.settings import transient_settings
from hypothesis import given, settings
from hypothesis import strategies as st

from telemetry.redaction import InvalidPattern, Redactor, redact_text, safe_expression, trim_object
from telemetry.secrets import scan_userinfo
from tests.stand_ins.api_server import RECORDINGS
from tests.stand_ins.pod_logs import LOGS
from tests.telemetry import mixed_logs

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U"
PEM = """-----BEGIN RSA PRIVATE KEY-----
MIIEowIBAAKCAQEAxgNSPXN
q1k2wmNNo3xk6ITSeG0qjz
-----END RSA PRIVATE KEY-----"""


@pytest.mark.parametrize(
    ("text", "name", "secret"),
    [
        (f"got {JWT} from user", "jwt", JWT),
        ("Authorization: Bearer abcdef123456.xyz", "bearer", "abcdef123456"),
        ("Authorization: Basic YWRhOmh1bnRlcjI=", "basic", "YWRhOmh1bnRlcjI"),
        ("Authorization: Digest 0a4f113b8e", "authorization", "0a4f113b8e"),
        (f"key is\n{PEM}\nend", "pem", "MIIEowIBAAKCAQEAxgNSPXN"),
        (json.dumps({"key": PEM}), "pem", "q1k2wmNNo3xk6ITSeG0qjz"),
        ("id AKIAIOSFODNN7EXAMPLE used", "aws-key", "AKIAIOSFODNN7EXAMPLE"),
        ("push with ghp_16C7e42F292c6912E7710c838347Ae178B4a", "github-token", "ghp_16C7e42F"),
        ("bot xoxb-17653672481-19874698323-pdFZKVeTuE", "slack-token", "17653672481"),
        ("dsn postgres://shop:hunter2-leak@orders-db:5432/o", "url-userinfo", "hunter2-leak"),
        ("dsn postgres://shop:hunt/er2@orders-db:5432/o", "url-userinfo", "er2@"),
        ("DB_PASSWORD=hunter2 LOG_LEVEL=info", "assigned-secret", "hunter2"),
        ("PGPASSWORD='two words' psql", "assigned-secret", "two words"),
        ('{"client_secret": "s3cr3t", "id": 4}', "assigned-secret", "s3cr3t"),
        ('"{\\"api_key\\":\\"s3cr3t\\",\\"id\\":4}"', "assigned-secret", "s3cr3t"),
        ("GET /v1?token=s3cr3t&page=2", "assigned-secret", "s3cr3t"),
        ("api-key: s3cr3t", "assigned-secret", "s3cr3t"),
        ("mysql --password s3cr3t -h db", "flag-secret", "s3cr3t"),
        ("Set-Cookie: session=abc; HttpOnly", "cookie", "session=abc"),
        ("SECRET_KEY=s3cr3t", "assigned-secret", "s3cr3t"),
        ("AccountName=shop;AccountKey=s3cr3t==;x", "assigned-secret", "s3cr3t"),
        ("curl --user shop:s3cr3t https://x/", "curl-user", "s3cr3t"),
        ("run --db-pass-token s3cr3t now", "flag-secret", "s3cr3t"),
    ],
)
def test_known_secrets_are_masked_and_counted_by_name(text: str, name: str, secret: str) -> None:
    redacted = redact_text(text)
    assert secret not in redacted.text
    assert f"[redacted:{name}]" in redacted.text
    assert redacted.hits == {name: 1}


@pytest.mark.parametrize(
    "text",
    [
        "dial tcp orders-db-0:5432: i/o timeout",
        "GET https://shop.example:8080/basket?page=2 200 12ms",
        "Basic authentication is off, bearer authentication is on",
        'MountVolume.SetUp failed for volume "tls" : secret "checkout-tls" not found',
        "password: null, token=false",
        "Successfully assigned shop/checkout-5bbc75684d-flwhw to node-2",
        "0/3 nodes are available: 3 Insufficient memory.",
    ],
)
def test_ordinary_lines_stay_as_they_are(text: str) -> None:
    assert redact_text(text).text == text
    assert redact_text(text).hits == {}


def test_what_stands_around_a_secret_stays_readable() -> None:
    text = redact_text("retry dsn=postgres://shop:hunter2@orders-db:5432/orders").text
    assert text == "retry dsn=postgres://[redacted:url-userinfo]@orders-db:5432/orders"


def test_a_pem_block_that_was_cut_off_is_masked_to_its_last_line() -> None:
    cut = PEM.rsplit("\n", 1)[0].replace("\n", "\n2026-11-21T06:37:26Z ")
    redacted = redact_text(f"{cut}\n2026-11-21T06:37:27Z ready")
    assert redacted.text == "[redacted:pem]\n2026-11-21T06:37:27Z ready"


def test_redacting_twice_changes_and_counts_nothing_more() -> None:
    once = redact_text(f"curl -u {PEM} Authorization: Bearer {JWT} DB_PASSWORD=x postgres://a:b@c/ {PEM}")
    twice = redact_text(once.text)
    assert twice.text == once.text
    assert twice.hits == {}


HOSTILE = [
    "eyJ",
    "://",
    "token=",
    '"',
    "'",
    "\\",
    "bearer ",
    "-----BEGIN RSA KEY-----",
    "--a-",
    "@",
    "a",
    ":",
    "\n",
    "A1",
]


@pytest.mark.timeout(30)
@given(st.lists(st.sampled_from(HOSTILE), max_size=12), st.integers(1, 400))
@settings(max_examples=80, deadline=None)
def test_hostile_repeats_are_redacted_before_the_time_limit(parts: list[str], times: int) -> None:
    text = "".join(parts) * times
    redacted = redact_text(text)
    assert redacted.text.count("[redacted:") <= sum(redacted.hits.values())


@pytest.mark.timeout(10)
@pytest.mark.parametrize(
    "unit",
    ["eyJ-", "eyJa.", "a://", "token=", 'token="', "-----BEGIN KEY-----", "--a-", "Bearer ", "x", "://a:"],
)
def test_a_megabyte_of_one_unit_is_redacted_before_the_time_limit(unit: str) -> None:
    text = unit * (1_000_000 // len(unit))
    assert len(redact_text(text).text) > 0


USERINFO = re.compile(r"(?P<secret>[^\s/?#\"'<>]{1,512}|[^\s/:@\"'<>]{0,128}:(?!\d{1,5}[/?#])[^\s\"'<>]{1,256})(?=@)")
ADDRESSES = ["://", "a", "b:", ":", "@", "/", "80/", " ", "'", "?", "x" * 130, "y" * 300]


def userinfo(text: str) -> list[tuple[int, int]]:
    """As one expression tries it at each place: slow on hostile text, and plain."""
    found: list[tuple[int, int]] = []
    for hint in re.finditer("://", text):
        if (not found or hint.end() >= found[-1][1]) and (match := USERINFO.match(text, hint.end())):
            found.append(match.span("secret"))
    return found


@given(st.lists(st.sampled_from(ADDRESSES), max_size=14))
@settings(max_examples=300, deadline=None)
def test_users_and_passwords_of_addresses_are_found_as_by_the_plain_expression(parts: list[str]) -> None:
    text = "".join(parts)
    assert list(scan_userinfo(text)) == userinfo(text)


@pytest.mark.parametrize("text", ["curl -s a | sed -u b:c", "curly -u a:b", "echo curl\ntop -u a:b", "run -u a:b"])
def test_users_of_other_programs_than_curl_stay(text: str) -> None:
    assert redact_text(text).text == text


def test_each_of_many_users_of_curl_is_masked() -> None:
    assert redact_text("curl -u a:one x; curl https://curly.example --user 'b:two'").text == (
        "curl -u a:[redacted:curl-user] x; curl https://curly.example --user 'b:[redacted:curl-user]'"
    )


def test_blocks_of_keys_are_masked_one_by_one_and_one_that_was_cut_hides_no_other() -> None:
    begin = "-----BEGIN RSA PRIVATE KEY-----"
    assert redact_text(f"a {PEM} b {begin} c {PEM} d").text == "a [redacted:pem] b [redacted:pem] c [redacted:pem] d"
    far = redact_text(f"{begin} a\n" + "b " * 20_000 + PEM).text
    assert far.startswith("[redacted:pem] a\nb b ")
    assert far.endswith("b [redacted:pem]")


@pytest.mark.parametrize("unit", ["://a:b", "://", "curl -u a ", "-----BEGIN RSA PRIVATE KEY-----"])
def test_hostile_units_cost_little_more_than_plain_text(unit: str) -> None:
    def seconds(text: str) -> float:
        took = []
        for _ in range(3):
            began = time.process_time()
            redact_text(text)
            took.append(time.process_time() - began)
        return min(took)

    assert seconds(unit * (400_000 // len(unit))) < 0.1


@given(st.text(max_size=300))
@settings(max_examples=200, deadline=None)
def test_any_text_is_accepted(text: str) -> None:
    assert redact_text(text).text is not None


def test_specific_detectors_of_detect_secrets_find_nothing_afterwards() -> None:
    plugins = [
        "JwtTokenDetector",
        "AWSKeyDetector",
        "GitHubTokenDetector",
        "SlackDetector",
        "BasicAuthDetector",
    ]
    leaking = [
        JWT,
        "AKIAIOSFODNN7EXAMPLE",
        "https://ada:hunter2@shop.example/",
        "xoxb-17653672481-19874698323-pdF",
    ]
    with transient_settings({"plugins_used": [{"name": name} for name in plugins]}):
        assert all(list(scan_line(line)) for line in leaking)
        for line in [*leaking, *(text for lines in LOGS.values() for _, text in lines)]:
            assert list(scan_line(redact_text(line).text)) == []


def test_custom_patterns_mask_under_their_own_name() -> None:
    redacted = Redactor({"card": r"\b\d{4}-\d{4}-\d{4}-\d{4}\b"}).text("paid with 4111-1111-1111-1111")
    assert redacted.text == "paid with [redacted:card]"
    assert redacted.hits == {"card": 1}


RUNAWAY = [
    "(a+)+$",
    "(a?){22}c",
    "(a|ab?){24}c",
    "(a|aa){1,30}c",
    "(a+){3}b",
    "a?" * 40 + "a" * 40,
    ".*a.*b.*c",
    "a{0,999}a{0,999}a{0,999}b",
    "((a{1,9}){1,9}){1,9}b",
    r"(a)\1",
]


@pytest.mark.parametrize("source", ["(", "", ".*", "x" * 301, *RUNAWAY])
def test_custom_patterns_that_could_run_away_are_refused(source: str) -> None:
    with pytest.raises(InvalidPattern, match="'mine'"):
        Redactor({"mine": source})


@pytest.mark.parametrize("source", RUNAWAY)
def test_expressions_that_could_run_away_are_refused_also_for_other_uses(source: str) -> None:
    with pytest.raises(InvalidPattern):
        safe_expression(source)


@pytest.mark.parametrize(
    "source",
    [
        ".*",
        "shop-.*|pay",
        "(?i)(critical|page)",
        r"\b(?:\d{4}[- ]?){3}\d{4}\b",
        r"[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){3,7}",
        r"cust_[A-Za-z0-9]{10,200}",
        r"(?P<who>[a-z]+)@example\.(?:com|org)",
        r"[(*+]{2}\(\*",
    ],
)
def test_expressions_that_match_in_few_ways_are_taken_also_those_of_the_empty_text(source: str) -> None:
    assert safe_expression(source).pattern == source


def test_recorded_pods_keep_names_of_variables_and_lose_their_values() -> None:
    pods = json.loads((RECORDINGS / "list-api_v1_namespaces_shop_pods.json").read_text())["items"]
    assert "hunter2" in json.dumps(pods)
    trimmed = json.dumps([trim_object(pod).value for pod in pods])
    assert "hunter2" not in trimmed
    assert "DB_PASSWORD" in trimmed
    assert "managedFields" not in trimmed
    assert "last-applied" not in trimmed


def test_objects_lose_config_data_headers_and_flag_values() -> None:
    pod = {
        "metadata": {"annotations": {"note": "token=abc", "kubectl.kubernetes.io/last-applied-configuration": "{}"}},
        "spec": {
            "containers": [
                {
                    "env": [{"name": "A", "valueFrom": {"secretKeyRef": {"name": "db", "key": "p"}}}],
                    "args": ["--db-password", "one", "--port", "80", "--api-key=two"],
                    "livenessProbe": {"httpGet": {"httpHeaders": [{"name": "X-Auth", "value": "three"}]}},
                }
            ]
        },
    }
    trimmed = trim_object(pod)
    container = trimmed.value["spec"]["containers"][0]
    assert container["args"] == [
        "--db-password",
        "[redacted:flag-secret]",
        "--port",
        "80",
        "--api-key=[redacted:assigned-secret]",
    ]
    assert container["env"] == [{"name": "A", "valueFrom": {"secretKeyRef": {"name": "db", "key": "p"}}}]
    assert container["livenessProbe"] == {"httpGet": {"httpHeaders": [{"name": "X-Auth"}]}}
    assert trimmed.value["metadata"]["annotations"] == {"note": "token=[redacted:assigned-secret]"}
    assert trimmed.hits == {"flag-secret": 1, "assigned-secret": 2}


def test_data_of_secrets_and_config_maps_is_dropped_but_that_of_revisions_stays() -> None:
    assert trim_object({"kind": "Secret", "data": {"a": "b"}}).value == {"kind": "Secret"}
    assert trim_object({"data": {"a": "b"}}, kind="ConfigMap").value == {}
    assert trim_object({"data": {"a": "b"}}, kind="ControllerRevision").value == {"data": {"a": "b"}}


def test_values_under_secret_keys_are_masked_in_plain_mappings() -> None:
    trimmed = Redactor().value({"db.password": "x y", "http.url": "https://a:b@c/", "n": [1, {"token": "t"}]})
    assert trimmed.value == {
        "db.password": "[redacted:assigned-secret]",
        "http.url": "https://[redacted:url-userinfo]@c/",
        "n": [1, {"token": "[redacted:assigned-secret]"}],
    }


@pytest.mark.parametrize("item", [12345678, 0.5, ["hunter2"], {"value": "hunter2"}, [{"a": ["hunter2"]}]])
@pytest.mark.parametrize("key", ["password", "db.token", "secret", "api_key"])
def test_whatever_stands_under_a_secrets_name_goes(key: str, item: object) -> None:
    masked = {"n": [{key: "[redacted:assigned-secret]"}]}
    assert Redactor().clean({"n": [{key: item}]}) == masked
    assert Redactor().value({"n": [{key: item}]}).value == masked
    assert Redactor().value({key: item}).hits == {"assigned-secret": 1}


@pytest.mark.parametrize(
    "told",
    [
        {"gen_ai.usage.input_tokens": 512, "max_tokens": 1_000},
        {"password": None, "token": False, "secret": {}, "secrets": []},
        {"volumes": [{"name": "tls", "secret": {"secretName": "checkout-tls", "defaultMode": 420}}]},
        {"env": [{"name": "A", "valueFrom": {"secretKeyRef": {"name": "db", "key": "password"}}}]},
        {"imagePullSecrets": [{"name": "registry"}], "secrets": [{"name": "a"}, {"name": "b"}]},
    ],
)
def test_counts_nothings_and_names_of_kubernetes_secrets_stay(told: dict[str, object]) -> None:
    assert Redactor().clean(told) == told
    assert Redactor().value(told).value == told


def test_values_nested_too_deep_are_cut_and_not_followed() -> None:
    deep: object = "end"
    for _ in range(400):
        deep = [deep]
    assert "[redacted:too-deep]" in json.dumps(Redactor().value(deep).value)


def test_a_thousand_planted_secrets_of_many_kinds_are_found_and_ordinary_lines_are_untouched() -> None:
    planted: Counter[str] = Counter()
    for line in mixed_logs.lines(megabytes=10, secrets=1_000):
        text = redact_text(line.text).text
        if line.kind:
            planted[line.kind] += 1
            assert line.secret not in text, line
        else:
            assert text == line.text
    assert (planted.total(), set(planted)) == (1_000, set(mixed_logs.SECRETS))
    assert len(planted) >= 15


def test_values_of_json_are_cleaned_as_they_are_counted() -> None:
    value = {
        "k\x00": "a\x00b",
        "db.password": "x",
        "n": [1, None, True, 1.5, {"token": "t", "token_count": 7}],
        "line": "PASSWORD=hunter2",
        "long": "y" * 100 + " token=abc",
    }
    redactor = Redactor()
    assert redactor.clean(value) == redactor.value(value).value
    own = Redactor({"card": r"\b\d{4}-\d{4}-\d{4}-\d{4}\b"})
    assert own.clean(["4111-1111-1111-1111"]) == ["[redacted:card]"]


@pytest.mark.parametrize(
    "text",
    [
        "İSTANBUL İİ PASSWORD=hunter2",
        "İ Authorization: Bearer hunter2-hunter2",
    ],
)
def test_letters_whose_lower_case_is_longer_shift_nothing(text: str) -> None:
    assert "hunter2" not in redact_text(text).text
