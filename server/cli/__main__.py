"""`python -m server.cli`: how a supervisor starts its children."""

from server.cli import main

main(prog_name="frontdesk")
