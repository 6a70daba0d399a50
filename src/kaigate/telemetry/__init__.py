"""Metric names, structured logging, and the redactor every log line goes through."""
