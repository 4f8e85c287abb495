"""The only readers of the environment: `settings` for everything, `calls` for what the call path imports by name."""
