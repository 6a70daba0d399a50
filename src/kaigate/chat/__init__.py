"""The canonical chat model: requests, content, events, usage.

No I/O, no wire format and no vendor's word lives here; surfaces and providers translate to and from it.
"""
