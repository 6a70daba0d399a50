"""Upstream wire formats: pure translators to a request body and from an answer body.

Sockets live in `transport`; which provider serves a request is decided in `routing`.
"""
