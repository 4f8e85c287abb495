"""The tools the agent has in a call: their schemas, their arguments, what each does. `call_tools` is the way in."""
