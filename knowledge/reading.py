"""What a person may see of knowledge."""

from __future__ import annotations

from knowledge.exports.subjects import visible_items

__all__ = ["visible_items"]
