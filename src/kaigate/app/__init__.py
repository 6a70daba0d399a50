"""The ASGI applications of the data and operations ports, built from a `Runtime`.

The administration port is `kaigate.admin`; the process around them is `kaigate.serve`.
"""
