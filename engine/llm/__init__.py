"""A language model behind the engine's speech: any chat server that speaks OpenAI's `/v1/chat/completions`."""
