"""The Devices Profile: metadata that makes Windows pick its own scan driver."""
