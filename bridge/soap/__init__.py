"""SOAP 1.2 envelopes, addressing, faults and multipart answers."""
