"""Acquisition: SANE in worker processes, and the supervisor that watches them."""
