"""Hearing and speaking: models, and the pure state machines around them. Nothing here knows the wire protocol."""
