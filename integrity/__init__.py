"""The ownership checker: parses source code, never imports what it checks."""
