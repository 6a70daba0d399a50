"""What is looked for in texts, and what happens to it: pure decisions over text, without HTTP.

Which texts are given to a guardrail is decided by the stages.
"""
