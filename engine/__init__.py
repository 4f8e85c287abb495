"""The local speech engine, behind OpenAI's API: it stands in when there is no key. Never imports `server`."""
