"""Schemas of every message Scanbridge sends, and the rules that a schema cannot express."""
