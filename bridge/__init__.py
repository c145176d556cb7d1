"""Scanbridge: a USB scanner on the network as a Windows (WSD) scan device."""

__version__ = "0.2.0"
