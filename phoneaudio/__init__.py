"""Telephone audio, shared by `server`, `engine` and `simulator`: μ-law and A-law, WAV files, resampling.

Everything here is pure: bytes or arrays in, bytes or arrays out. PCM is always signed 16-bit little-endian, mono unless
a name says otherwise; rates are in Hz and lengths in bytes or milliseconds, as each name says.
"""
