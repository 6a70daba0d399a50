"""What a caller may use: windows of requests and tokens, parallel leases, budgets.

One atomic step admits a request under all of its bounds; another settles it. Keys, HTTP and SQL belong elsewhere.
"""
