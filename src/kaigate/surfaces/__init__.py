"""Client wire formats: pure translators from a request body and to an answer body.

What a request may do is decided by the stages, not here; upstream formats live in `providers`.
"""
