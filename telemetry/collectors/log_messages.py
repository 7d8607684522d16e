"""What a log line says and how loud it is, taken out of JSON, logfmt and what container runtimes put before it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from telemetry.observations import Level

OPENING = 160
LONGEST_READ = 32_000
CONTAINER_PREFIX = re.compile(r"\d{4}-\d\d-\d\dT\S{8,24} (?:stdout|stderr) [FP] ")
LOGFMT_MESSAGE = re.compile(r'(?:^|\s)(?:msg|message)=(?:"((?:[^"\\]|\\.)*)"|(\S+))')
LOGFMT_ERROR = re.compile(r'\s(?:err|error)=(?:"((?:[^"\\]|\\.)*)"|(\S+))')

ERROR_WORD = re.compile(
    r"(?i)(?<![a-z0-9])(?:error|err|fatal|critical|crit|panic|severe|emerg|exception|traceback)(?![a-z0-9])"
)
WARNING_WORD = re.compile(r"(?i)(?<![a-z0-9])(?:warn|warning)(?![a-z0-9])")
NAMED_LEVEL = re.compile(r"(?i)\b(?:level|lvl|severity)\\?[\"']?\s?[:=]\s?\\?[\"']?([a-z]{1,10})")
KLOG = re.compile(r"([IWEF])\d{4} \d\d:")
KLOG_LEVELS = {"I": Level.INFO, "W": Level.WARNING, "E": Level.ERROR, "F": Level.ERROR}
ERROR_NAMES = ("error", "err", "fatal", "critical", "crit", "panic", "emerg", "emergency", "alert", "severe", "dpanic")
WORDS = {
    **dict.fromkeys(ERROR_NAMES, Level.ERROR),
    "warn": Level.WARNING,
    "warning": Level.WARNING,
    "info": Level.INFO,
    "information": Level.INFO,
    "notice": Level.INFO,
}

MESSAGE_KEYS = ("msg", "message", "log", "event", "short_message", "body", "text", "@m", "textPayload", "MESSAGE")
ERROR_KEYS = ("error", "err", "exception", "exc_info", "stack")
LEVEL_KEYS = ("level", "severity", "lvl", "log.level", "levelname", "loglevel", "log_level", "severity_text", "@l")
# pino and bunyan count 10 (trace) to 60 (fatal).
LEVEL_NUMBERS = ((50, Level.ERROR), (40, Level.WARNING), (30, Level.INFO), (0, Level.NORMAL))


def level_named(name: str) -> Level:
    """By the word that a logger has for it; what is not known, such as debug, is quiet."""
    return WORDS.get(name.strip().lower(), Level.NORMAL)


def level_of(text: str) -> Level:
    """How loud a line is: by its level field, klog's letter, or a word near its start."""
    fields = _fields(text)
    if fields is not None and (level := _level_in(fields)) is not None:
        return level
    start = (_inner(text) if fields is not None else text)[:OPENING]
    if named := NAMED_LEVEL.search(start):
        return level_named(named.group(1))
    if letter := KLOG.match(start):
        return KLOG_LEVELS[letter.group(1)]
    if ERROR_WORD.search(start):
        return Level.ERROR
    if WARNING_WORD.search(start):
        return Level.WARNING
    return Level.INFO


def message_of(text: str) -> str:
    """What the line says without its frame: the message of JSON and logfmt with the error that goes with it."""
    fields = _fields(text)
    if fields is None:
        return _logfmt(text)
    message = _inner(text)
    error = next((fields[key] for key in ERROR_KEYS if isinstance(fields.get(key), str) and fields[key]), "")
    return message if not error or error in message else f"{message}: {error}"


def _inner(text: str) -> str:
    """The message of a JSON line; what a runtime wrapped as JSON may be JSON or logfmt itself."""
    fields = _fields(text) or {}
    message = next((fields[key] for key in MESSAGE_KEYS if isinstance(fields.get(key), str) and fields[key]), "")
    message = message.strip()
    if not message:
        return text
    return _inner(message) if message.startswith("{") and len(message) < len(text) else _logfmt(message)


def _logfmt(text: str) -> str:
    if prefix := CONTAINER_PREFIX.match(text):
        text = text[prefix.end() :]
    if "=" not in text or not (found := LOGFMT_MESSAGE.search(text)):
        return text
    message = found.group(1) or found.group(2) or ""
    error = LOGFMT_ERROR.search(text)
    told = (error.group(1) or error.group(2) or "") if error else ""
    return f"{message}: {told}" if told and told not in message else message or text


def _fields(text: str) -> Mapping[str, Any] | None:
    """The object that a line is, or None."""
    start = text[: OPENING * 2].lstrip()
    if prefix := CONTAINER_PREFIX.match(start):
        text, start = text[prefix.end() :], start[prefix.end() :]
    if not start.startswith("{") or len(text) > LONGEST_READ:
        return None
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _level_in(fields: Mapping[str, Any]) -> Level | None:
    for key in LEVEL_KEYS:
        value = fields.get(key)
        if isinstance(value, str) and value:
            return level_named(value)
        if isinstance(value, int) and not isinstance(value, bool) and value >= 10:
            return next(level for least, level in LEVEL_NUMBERS if value >= least)
    log = fields.get("log")
    if isinstance(log, dict) and isinstance(log.get("level"), str):
        return level_named(log["level"])
    if isinstance(log, str) and log.strip().startswith("{"):
        inner = _fields(log)
        return _level_in(inner) if inner is not None else None
    return None
