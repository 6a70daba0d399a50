"""kaigate: the policy point between applications and LLMs."""

__version__ = "0.1.0"
