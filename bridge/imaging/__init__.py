"""Geometry and encoders; runs in the worker process."""
