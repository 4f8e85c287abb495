"""Pure decisions: the standard library only, no clock, no socket, no database."""
