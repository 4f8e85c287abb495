"""The deterministic agent: it answers from the instructions it was given, fills the tools' slots, and never invents."""
