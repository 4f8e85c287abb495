"""Use cases: what Frontdesk does, in functions that own their facts. Providers are reached through `server.ports`."""
