"""The administration port: documentation now, keys and usage later. Never on the hot path."""
