"""The local speech engine, behind OpenAI's API: it stands in for OpenAI when there is no key. Never imports `server`."""
