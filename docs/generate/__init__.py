"""Writes the reference pages that follow from the source; `make docs` runs it, a test compares.

Pages written by hand are not touched.
"""
