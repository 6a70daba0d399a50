"""The stages of the pipeline, one file each, named by their verb; `order.py` is the list.

What they decide with lives in the decision rooms (`keys`, `routing`, `guardrails`, `tokens`).
"""
