"""The exchange, the stage protocol and the driver that walks the stages.

What a stage decides lives in `stages` and in the decision rooms; nothing here knows a rule.
"""
