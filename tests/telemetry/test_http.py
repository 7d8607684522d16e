"""The client for every pull, against a server that fails in every way it can."""

from __future__ import annotations

import gzip
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from telemetry.http import Http, Refusal, SourceError, outcome_of
from telemetry.network import refused_address
from telemetry.observations import Budget, Connection, Status
from tests.stand_ins.certificates import Authority
from tests.stand_ins.server import Asked, Reply, StandIn

QUICK = Budget(deadline_seconds=0.7, requests=10, bytes=1024 * 1024)


class Echo(StandIn):
    def answer(self, asked: Asked) -> Reply:
        if asked.path == "/gzip":
            return Reply(200, gzip.compress(b'{"ok": true}'), headers={"Content-Encoding": "gzip"})
        return Reply.of_json({"path": asked.path, "query": asked.query})


@pytest.fixture
def server() -> Iterator[Echo]:
    with Echo() as echo:
        yield echo


def client(server: StandIn, budget: Budget = QUICK, **options: object) -> Http:
    return Http(url=server.url, budget=budget, **{"allow_private": True, **options})


def failure(server: StandIn, budget: Budget = QUICK, **options: object) -> SourceError:
    with client(server, budget, **options) as http, pytest.raises(SourceError) as caught:
        http.get("/x")
    return caught.value


def test_an_answer_comes_back_as_json(server: Echo) -> None:
    with client(server) as http:
        assert http.get("/a", {"q": "x y&z"}).json_object() == {"path": "/a", "query": {"q": "x y&z"}}


def test_a_compressed_answer_is_decompressed(server: Echo) -> None:
    with client(server) as http:
        assert http.get("/gzip").json() == {"ok": True}


@pytest.mark.parametrize(
    ("auth", "sent"),
    [
        ({"bearer": "abc"}, "Bearer abc"),
        ({"username": "ada", "password": "pw"}, "Basic YWRhOnB3"),
        ({"api_key": "k"}, "ApiKey k"),
    ],
)
def test_credentials_are_sent_in_their_header(server: Echo, auth: dict[str, str], sent: str) -> None:
    with client(server, auth=auth, headers={"X-Scope-OrgID": "team-a"}) as http:
        http.get("/a")
    assert server.requests[0].headers["authorization"] == sent
    assert server.requests[0].headers["x-scope-orgid"] == "team-a"


@pytest.mark.parametrize(
    ("code", "status", "retryable"),
    [
        (400, Status.INVALID_QUERY, False),
        (401, Status.UNAUTHENTICATED, False),
        (403, Status.DENIED, False),
        (404, Status.NOT_INSTALLED, False),
        (410, Status.GONE, False),
        (422, Status.INVALID_QUERY, False),
        (500, Status.ERROR, True),
    ],
)
def test_refusals_become_their_status_after_one_request(
    server: Echo, code: int, status: Status, retryable: bool
) -> None:
    server.fault("/", code)
    error = failure(server)
    assert (error.status, error.retryable) == (status, retryable)
    assert error.reason == f"answered {code}: stand-in answers {code}"
    assert len(server.requests) == 1


@pytest.mark.parametrize("code", [429, 502, 503, 504])
def test_passing_refusals_are_asked_again(server: Echo, code: int) -> None:
    server.fault("/", code, times=1, retry_after="0")
    with client(server, Budget(deadline_seconds=10)) as http:
        assert http.get("/a").code == 200
    assert len(server.requests) == 2


def test_a_retry_after_longer_than_the_budget_is_throttled_at_once(server: Echo) -> None:
    server.fault("/", 429, retry_after="120")
    error = failure(server)
    assert (error.status, error.retryable) == (Status.THROTTLED, True)
    assert "asks to wait 120 s" in error.reason
    assert len(server.requests) == 1


def test_refusals_that_stay_end_after_four_requests(server: Echo) -> None:
    server.fault("/", 503, retry_after="0")
    assert failure(server, Budget(deadline_seconds=5)).status is Status.ERROR
    assert len(server.requests) == 4


@pytest.mark.parametrize("kind", ["hang", "drip", "drip-headers"])
def test_silence_and_slow_drips_end_at_the_deadline(server: Echo, kind: str) -> None:
    server.fault("/", kind)
    error = failure(server)
    assert (error.status, error.retryable) == (Status.TIMEOUT, True)
    assert "0.7 s of its budget" in error.reason


@pytest.mark.parametrize("kind", ["huge", "gzip-bomb"])
def test_a_body_over_the_byte_budget_is_truncated(server: Echo, kind: str) -> None:
    server.fault("/", kind)
    error = failure(server, Budget(deadline_seconds=10, bytes=1024 * 1024))
    assert (error.status, error.limit) == (Status.TRUNCATED, "bytes")


def test_bytes_are_counted_over_all_answers_of_a_query(server: Echo) -> None:
    with client(server, Budget(bytes=40)) as http:
        http.get("/a")
        with pytest.raises(SourceError, match="larger than"):
            http.get("/a")


def test_a_cut_body_is_an_error_worth_repeating(server: Echo) -> None:
    server.fault("/", "cut")
    error = failure(server)
    assert (error.status, error.retryable) == (Status.ERROR, True)
    assert "cut off" in error.reason


def test_a_connection_closed_without_an_answer_is_tried_again(server: Echo) -> None:
    server.fault("/", "reset", times=1)
    with client(server, Budget(deadline_seconds=5)) as http:
        assert http.get("/a").code == 200


def test_garbage_is_named_as_not_json(server: Echo) -> None:
    server.fault("/", "garbage")
    with client(server) as http, pytest.raises(SourceError, match="not JSON"):
        http.get("/a").json()


def test_redirects_are_not_followed(server: Echo) -> None:
    server.fault("/", "redirect")
    assert "redirect, which is not followed" in failure(server).reason
    assert len(server.requests) == 1


def test_the_request_budget_ends_the_query(server: Echo) -> None:
    with client(server, Budget(requests=2)) as http:
        http.get("/a")
        http.get("/a")
        with pytest.raises(SourceError, match="budget of 2 requests") as caught:
            http.get("/a")
    assert caught.value.limit == "requests"


def test_a_closed_port_is_unreachable() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
    with Http(url=url, allow_private=True, budget=QUICK) as http, pytest.raises(SourceError) as caught:
        http.get("/")
    assert (caught.value.status, caught.value.retryable) == (Status.UNREACHABLE, True)


def test_a_name_that_does_not_exist_is_unreachable() -> None:
    with Http(url="http://nowhere.invalid", budget=QUICK) as http, pytest.raises(SourceError) as caught:
        http.get("/")
    assert caught.value.status is Status.UNREACHABLE


def test_loopback_is_refused_unless_allowed(server: Echo) -> None:
    error = failure(server, allow_private=False)
    assert error.status is Status.NOT_CONFIGURED
    assert "loopback" in error.reason
    assert server.requests == []


def test_a_name_that_leads_to_loopback_is_refused(server: Echo) -> None:
    url = server.url.replace("127.0.0.1", "localhost")
    with Http(url=url, budget=QUICK) as http, pytest.raises(SourceError, match="loopback"):
        http.get("/")
    assert server.requests == []


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "127.9.9.9",
        "::1",
        "::ffff:127.0.0.1",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
        "169.254.169.254",
        "::ffff:a9fe:a9fe",
        "fe80::1",
        "fd00:ec2::254",
        "100.100.100.200",
        "0.0.0.0",
        "0.1.2.3",
        "::",
        "224.0.0.1",
    ],
)
def test_addresses_that_lead_inside_the_host_are_refused(address: str) -> None:
    assert refused_address(address) != ""


@pytest.mark.parametrize("address", ["10.0.0.1", "172.16.3.4", "192.168.1.1", "203.0.113.9", "fd12::1"])
def test_addresses_where_clusters_live_are_allowed(address: str) -> None:
    assert refused_address(address) == ""


@pytest.mark.parametrize(
    "url",
    [
        "",
        "ftp://a",
        "http://",
        "http://u:p@host",
        "http://host?x=1",
        "http://host:99999",
        "http://a b",
        "host",
    ],
)
def test_an_address_that_is_none_is_named(url: str) -> None:
    with pytest.raises(SourceError, match=r"^url: expected") as caught:
        Http(url=url)
    assert caught.value.status is Status.NOT_CONFIGURED


def test_malformed_certificates_and_headers_are_named() -> None:
    with pytest.raises(SourceError, match="ca_pem: expected"):
        Http(url="https://a", ca_pem="nonsense")
    with pytest.raises(SourceError, match="client_cert and client_key: expected"):
        Http(url="https://a", auth={"client_cert": "x", "client_key": "y"})
    with pytest.raises(SourceError, match="header 'X-Tenant': expected"):
        Http(url="https://a", headers={"X-Tenant": "a\r\nHost: b"})


def test_a_server_of_a_private_authority_is_trusted_by_its_certificate(tmp_path: Path) -> None:
    authority = Authority()
    with Echo().secure(authority.server_context(tmp_path)) as server:
        with client(server, ca_pem=authority.pem) as http:
            assert http.get("/a").code == 200
        with client(server, verify=False) as http:
            assert http.get("/a").code == 200
        error = failure(server, ca_pem=Authority().pem)
    assert (error.status, error.retryable) == (Status.UNREACHABLE, False)
    assert error.remedy == "Give the CA that signed its certificate."


def test_a_client_certificate_opens_what_asks_for_one(tmp_path: Path) -> None:
    authority = Authority()
    pair = authority.sign("reader")
    with Echo().secure(authority.server_context(tmp_path, ask_clients=True)) as server:
        auth = {"client_cert": pair.cert, "client_key": pair.key}
        with client(server, Budget(deadline_seconds=5), ca_pem=authority.pem, auth=auth) as http:
            assert http.get("/a").code == 200
        assert failure(server, ca_pem=authority.pem).status in {Status.UNREACHABLE, Status.ERROR}


def test_credentials_never_stand_in_an_error(server: Echo) -> None:
    class Leaking(Echo):
        def refusal(self, code: int, asked: Asked) -> Reply:
            return Reply.of_json({"message": f"bad header {asked.headers['authorization']} value"}, code)

    with Leaking() as leaking:
        leaking.fault("/", 401)
        error = failure(leaking, auth={"bearer": "plainword-credential"})
    assert "plainword-credential" not in f"{error!r} {error.reason} {error.__cause__!r} {error.__context__!r}"


def test_a_connection_carries_over_to_the_client(server: Echo) -> None:
    connection = Connection(name="x", url=server.url + "/prefix/", auth={"bearer": "t"}, allow_private=True)
    with Http.for_connection(connection, QUICK) as http:
        assert http.get("/a").json()["path"] == "/prefix/a"


def test_an_error_becomes_an_outcome_and_partial_once_something_was_kept(server: Echo) -> None:
    server.fault("/", 403)
    error = failure(server)
    assert isinstance(error, Refusal)
    assert outcome_of(error).status is Status.DENIED
    assert outcome_of(error).remedy == "Grant these credentials read access."
    assert outcome_of(error, kept=3).status is Status.PARTIAL


def test_a_key_in_a_header_stands_in_no_error_and_a_tenant_does() -> None:
    class Echoing(StandIn):
        def answer(self, asked: Asked) -> Reply:
            words = f"unknown key {asked.headers['x-api-key']} of tenant {asked.headers['x-scope-orgid']}"
            return Reply.of_json({"message": words}, 400)

    headers = {"X-Api-Key": "s3cr3tvalue99", "X-Scope-OrgID": "shop"}
    with (
        Echoing() as server,
        Http(url=server.url, headers=headers, allow_private=True) as http,
        pytest.raises(Refusal) as refused,
    ):
        http.get("/")
    assert "s3cr3tvalue99" not in refused.value.reason
    assert "of tenant shop" in refused.value.reason
