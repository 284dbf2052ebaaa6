"""Logs: JSON, ids only; phone numbers, mail addresses and tokens are masked on the way out."""

from __future__ import annotations

import re
from collections.abc import MutableMapping
from typing import Any

import structlog

# What must never stand in a log. Order matters: a bearer token may hold an @ or digits.
MASKS = (
    (re.compile(r"(?i)\b(bearer|basic)\s+[\w+/=:.~-]+"), r"\1 ***"),
    (re.compile(r"(?i)([?&](?:number|phone|customer|q|token|key)=)[^&\s\"']*"), r"\1***"),
    (re.compile(r"whsec_[\w+/=]+"), "whsec_***"),
    (re.compile(r"(/(?:o|unsubscribe)/)[\w-]{16,}"), r"\1***"),  # who knows the link is let in
    (re.compile(r"[^\s<>\"'=,;:()]+(?:@|%40)[^\s<>\"'=,;:()]+"), "***@***"),
    (re.compile(r"(?<![\w:.-])(?:\+|%2B|00)\d(?:[\s./()-]?\d){6,14}(?![\w-])", re.I), "+***"),
    (re.compile(r"(?<![\w:.-])0\d(?:[\s./]?\d){7,9}(?![\w:.-])"), "0***"),
)


def mask(text: str) -> str:
    """The text with everything that could name a person or open a door taken out."""
    for pattern, instead in MASKS:
        text = pattern.sub(instead, text)
    return text


def _masked(value: Any) -> Any:
    if isinstance(value, str):
        return mask(value)
    if isinstance(value, dict):
        return {key: _masked(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_masked(item) for item in value]
    return value if isinstance(value, int | float | bool | None) else mask(str(value))


def masked(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """The structlog processor that every line passes, also those of libraries."""
    kept = {"timestamp", "level", "logger", "_record", "_from_structlog"}
    return {key: item if key in kept else _masked(item) for key, item in event.items()}


def config(*, debug: bool) -> dict[str, Any]:
    """Django's LOGGING: one handler, one formatter, one mask."""
    before = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        masked,
    ]
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "json": {
                "()": structlog.stdlib.ProcessorFormatter,
                "foreign_pre_chain": before,
                "processors": [
                    structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                    structlog.processors.JSONRenderer(ensure_ascii=False),
                ],
            }
        },
        "handlers": {"out": {"class": "logging.StreamHandler", "formatter": "json"}},
        "root": {"handlers": ["out"], "level": "INFO" if debug else "WARNING"},
        "loggers": {
            "kept": {"level": "INFO"},
            "celery": {"level": "WARNING"},
            "django.server": {"handlers": ["out"], "level": "WARNING", "propagate": False},
        },
    }
