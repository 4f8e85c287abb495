"""Stand-ins for Twilio (and later Meta), and spoken callers: for the demo, the tests and a user's own rehearsals."""
