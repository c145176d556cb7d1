"""WS-Discovery: the target service that Windows and other clients find."""
