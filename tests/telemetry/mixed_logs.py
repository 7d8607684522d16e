"""Ten megabytes of logs as clusters write them, with secrets of many kinds planted; the same in every run."""

from __future__ import annotations

import base64
import random
import string
from collections.abc import Callable, Iterator
from dataclasses import dataclass

SEED = 20261121
HEX = "0123456789abcdef"
ALNUM = string.ascii_letters + string.digits
URL64 = ALNUM + "-_"
SERVICES = ("checkout", "basket", "orders-db", "payments", "web", "search-7d9f", "cronjob-report", "kube-proxy")


@dataclass(frozen=True, slots=True)
class Line:
    """One record, perhaps of several lines. `secret` is what must not stay in it, `kind` what it is; "" for ordinary."""

    text: str
    kind: str = ""
    secret: str = ""


def lines(megabytes: float = 10.0, secrets: int = 1_000) -> Iterator[Line]:
    """Ordinary records with a planted one every so often, until there are enough of both."""
    chance = random.Random(SEED)
    kinds = sorted(SECRETS)
    left, planted, every = int(megabytes * 1_000_000), 0, megabytes * 1_000_000 / max(1, secrets)
    written = 0
    while left > written or planted < secrets:
        if planted < secrets and written >= planted * every:
            kind = kinds[planted % len(kinds)]
            text, secret = SECRETS[kind](chance)
            line = Line(f"{_prefix(chance)}{text}", kind, secret)
            planted += 1
        else:
            line = Line(chance.choice(ORDINARY)(chance))
        written += len(line.text) + 1
        yield line


def _some(chance: random.Random, alphabet: str, count: int) -> str:
    return "".join(chance.choices(alphabet, k=count))


def _clock(chance: random.Random) -> str:
    return f"2026-11-21T{chance.randrange(24):02}:{chance.randrange(60):02}:{chance.randrange(60):02}.{chance.randrange(1000):03}Z"


def _uuid(chance: random.Random) -> str:
    return "-".join(_some(chance, HEX, size) for size in (8, 4, 4, 4, 12))


def _address(chance: random.Random) -> str:
    return f"10.{chance.randrange(256)}.{chance.randrange(256)}.{chance.randrange(256)}"


def _prefix(chance: random.Random) -> str:
    name = chance.choice(SERVICES)
    return chance.choice((f"{_clock(chance)} INFO {name} ", f"level=info app={name} msg=", f"[{name}] ", ""))


def _json(chance: random.Random) -> str:
    return (
        f'{{"ts":"{_clock(chance)}","level":"{chance.choice(("info", "warn", "error"))}","logger":"http.access",'
        f'"msg":"request done","method":"POST","path":"/api/v2/orders/{chance.randrange(10**6)}",'
        f'"status":{chance.choice((200, 201, 404, 503))},"duration_ms":{chance.random() * 900:.2f},'
        f'"trace_id":"{_some(chance, HEX, 32)}","user":"u-{chance.randrange(10**5)}","zone":"Asia/Tokyo"}}'
    )


def _klog(chance: random.Random) -> str:
    place = chance.choice(("reflector.go:324", "controller.go:117", "secret.go:88", "trace.go:205"))
    said = chance.choice(
        (
            f'"Operation for volume succeeded" pod="shop/checkout-{_some(chance, HEX, 10)}" uid={_uuid(chance)}',
            'MountVolume.SetUp succeeded for volume "tls" : secret "checkout-tls" found, token refreshed',
            f"Caches are synced for tokens-controller after {chance.randrange(900)}ms",
            f'Pulled image "registry.example.org/shop/web@sha256:{_some(chance, HEX, 64)}" in {chance.random():.3f}s',
            "Authentication is disabled, basic authorization mode is AlwaysAllow",
        )
    )
    return f"{chance.choice('IWE')}1121 06:{chance.randrange(60):02}:{chance.randrange(60):02}.{chance.randrange(10**6):06}       1 {place}] {said}"


def _nginx(chance: random.Random) -> str:
    return (
        f"{_address(chance)} - - [21/Nov/2026:06:{chance.randrange(60):02}:07 +0000] "
        f'"GET /assets/app-{_some(chance, HEX, 8)}.js?page={chance.randrange(99)}&sort=asc HTTP/1.1" 200 '
        f'{chance.randrange(90_000)} "https://shop.example:8443/basket" "Mozilla/5.0 (X11; Linux x86_64) '
        'AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36"'
    )


def _java(chance: random.Random) -> str:
    frames = "\n".join(
        f"\tat com.example.shop.{chance.choice(('orders', 'tokens', 'keys'))}.Handler${chance.randrange(9)}"
        f".handle(Handler.java:{chance.randrange(900)})"
        for _ in range(chance.randrange(4, 12))
    )
    return (
        f"{_clock(chance)} ERROR [http-nio-8080-exec-{chance.randrange(64)}] c.e.shop.OrderController - failed\n"
        f"org.springframework.dao.DataAccessResourceFailureException: Unable to acquire JDBC Connection\n{frames}\n"
        f"Caused by: java.net.SocketTimeoutException: connect timed out\n\t... {chance.randrange(90)} more"
    )


def _logfmt(chance: random.Random) -> str:
    return (
        f'time={_clock(chance)} level=debug msg="cache miss" key_count={chance.randrange(99)} '
        f"shard={chance.randrange(16)} commit={_some(chance, HEX, 40)} request_id={_uuid(chance)} "
        f"peer={_address(chance)}:5432 digest=sha256:{_some(chance, HEX, 64)} took={chance.random() * 9:.3f}s"
    )


def _plain(chance: random.Random) -> str:
    return chance.choice(
        (
            f"Listening on http://0.0.0.0:{chance.randrange(1024, 65536)}/ with 4 workers",
            f"GET /healthz 200 {chance.randrange(9)}ms",
            "password: null, token=false, the bearer scheme is off",
            f"task {_uuid(chance)} on risk-{chance.randrange(9)} asked disk-{chance.randrange(9)} and went on",
            f"0/{chance.randrange(9)} nodes are available: {chance.randrange(9)} Insufficient memory.",
            f"thumbnail {base64.b64encode(chance.randbytes(30)).decode()} is stale",
            "npm_config_cache is not set; pypi-mirror is slow; curl -u is not used here",
        )
    )


ORDINARY: tuple[Callable[[random.Random], str], ...] = (_json, _klog, _nginx, _java, _logfmt, _plain)


def _token(
    before: str, start: str, alphabet: str, count: int, after: str = ""
) -> Callable[[random.Random], tuple[str, str]]:
    def make(chance: random.Random) -> tuple[str, str]:
        secret = start + _some(chance, alphabet, count)
        return before + secret + after, secret

    return make


def _user_and_password(chance: random.Random) -> tuple[str, str]:
    secret = _some(chance, ALNUM, 14)
    return f"dsn postgres://shop:{secret}@orders-db:5432/orders?sslmode=require", secret


def _basic(chance: random.Random) -> tuple[str, str]:
    secret = base64.b64encode(f"ada:{_some(chance, ALNUM, 12)}".encode()).decode()
    return f"request header Authorization: Basic {secret}", secret.rstrip("=")


def _jwt(chance: random.Random) -> tuple[str, str]:
    secret = f"eyJ{_some(chance, URL64, 33)}.{_some(chance, URL64, 60)}.{_some(chance, URL64, 43)}"
    return f"session {secret} accepted", secret


def _pem(chance: random.Random) -> tuple[str, str]:
    secret = "\n".join(_some(chance, ALNUM + "+/", 64) for _ in range(4))
    return f"-----BEGIN OPENSSH PRIVATE KEY-----\n{secret}\n-----END OPENSSH PRIVATE KEY-----", secret


def _account_key(chance: random.Random) -> tuple[str, str]:
    secret = _some(chance, ALNUM + "+/", 86) + "=="
    return (
        f"DefaultEndpointsProtocol=https;AccountName=shop;AccountKey={secret};EndpointSuffix=core.windows.net",
        secret,
    )


def _dsn(chance: random.Random) -> tuple[str, str]:
    secret = _some(chance, ALNUM + "!%", 14)
    return f"connecting with host=orders-db user=shop password={secret} dbname=orders", secret


def _curl(chance: random.Random) -> tuple[str, str]:
    secret = _some(chance, ALNUM, 12)
    return f"+ curl -s -u shop:{secret} https://registry.example.org/v2/", secret


def _service_account(chance: random.Random) -> tuple[str, str]:
    secret = _some(chance, HEX, 40)
    return f'{{"type": "service_account", "private_key_id": "{secret}", "client_id": "1"}}', secret


SECRETS: dict[str, Callable[[random.Random], tuple[str, str]]] = {
    "jwt": _jwt,
    "user and password in an address": _user_and_password,
    "basic": _basic,
    "bearer": _token("Authorization: Bearer ", "", URL64, 40),
    "pem": _pem,
    "password of a DSN": _dsn,
    "curl": _curl,
    "Azure account key": _account_key,
    "Azure signature": _token("https://shop.blob.core.windows.net/a?sv=2024&sp=r&sig=", "", ALNUM, 43, "%3D&se=2026"),
    "Google service account": _service_account,
    "AWS key": _token("using ", "AKIA", string.ascii_uppercase + string.digits, 16),
    "GitHub token": _token("push with ", "ghp_", ALNUM, 36),
    "GitLab token": _token("clone with ", "glpat-", URL64, 20),
    "Slack token": _token("bot ", "xoxb-", string.digits, 24),
    "Google API key": _token("maps?", "AIza", URL64, 35),
    "Stripe key": _token("stripe ", "sk_live_", ALNUM, 24),
    "npm token": _token("//registry.example.org/:_x ", "npm_", ALNUM, 36),
    "PyPI token": _token("upload ", "pypi-", URL64, 100),
    "DigitalOcean token": _token("doctl ", "dop_v1_", HEX, 64),
    "SendGrid key": _token("mail ", "SG." + "a" * 22 + ".", URL64, 43),
    "Twilio key": _token("sms ", "SK", HEX, 32),
    "Vault token": _token("vault ", "hvs.", URL64, 90),
    "age key": _token("sops ", "AGE-SECRET-KEY-1", "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L", 58),
    "OpenAI key": _token("llm ", "sk-proj-", URL64, 48),
    "Anthropic key": _token("llm ", "sk-ant-api03-", URL64, 93),
    "api key": _token('{"api_key": "', "", ALNUM, 24, '"}'),
    "cookie": _token("Set-Cookie: session=", "", ALNUM, 32, "; HttpOnly"),
}
