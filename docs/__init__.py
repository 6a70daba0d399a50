"""The documentation; `generate` writes the pages that follow from the source."""
