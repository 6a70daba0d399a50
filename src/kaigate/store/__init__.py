"""Shared state: Valkey/Redis and SQL. Connections, pipelining, migrations; no rule of the gateway."""
