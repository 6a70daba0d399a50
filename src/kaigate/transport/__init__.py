"""Bytes to and from model servers: the HTTP/1.1 client, its egress guard, and the stream decoders.

What the bytes mean lives in `providers`; which server is asked, in `routing`.
"""
