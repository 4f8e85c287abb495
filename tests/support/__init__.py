"""What tests share: a throwaway PostgreSQL, Chromium, child processes, ports. Imported by tests only."""
