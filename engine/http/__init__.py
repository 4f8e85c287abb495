"""The engine's HTTP endpoints, in OpenAI's shapes."""
