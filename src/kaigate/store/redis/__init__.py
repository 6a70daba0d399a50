"""Client of Valkey and Redis: one pipelined connection, a breaker, Sentinel and Cluster. No script, no key of ours."""
