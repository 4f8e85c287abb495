"""Queries, in the domain's words. Reads only; whoever writes owns the fact and does so in its own module."""
