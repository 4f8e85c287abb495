"""Concrete providers behind the ports. Only `server.bootstrap` names a module of this package."""
