"""A brown-bag session as a file."""

from knowledge.exports.brownbag import FORMATS, export

__all__ = ["FORMATS", "export"]
