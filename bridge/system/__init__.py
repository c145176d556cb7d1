"""The machine around the daemon: control socket, systemd, journal."""
