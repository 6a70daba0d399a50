"""How many tokens a request costs before it is sent: a cheap upper bound, and the exact count near a ceiling.

What was really used comes from the provider's usage; money is counted elsewhere.
"""
