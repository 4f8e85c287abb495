"""`python -m integrity [PATH…]`: the same command as `frontdesk audit`."""

from integrity.cli import audit

if __name__ == "__main__":
    audit(prog_name="python -m integrity")
