"""Configuration: typed models, strict loading, cross-checks, reload and secret references."""
