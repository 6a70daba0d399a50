"""Who is calling: keys and their look-up, client addresses, throttling of failed attempts.

What a key may do travels in `pipeline.principal`; what it may spend belongs to limits.
"""
