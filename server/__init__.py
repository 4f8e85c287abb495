"""Frontdesk: the product. See docs/architecture.md for its layers."""
