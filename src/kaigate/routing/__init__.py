"""Which deployments may serve a model, and in which order.

The allowlist and its resolution live here; sending a request does not.
"""
