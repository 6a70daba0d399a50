"""What a request costs: the gateway measured beside nginx, over loopback, in one interleaved run.

Here live the load generator, the upstream mock, the accounting and the report; no part of the product imports it.
"""
