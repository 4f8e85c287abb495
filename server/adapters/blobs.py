"""Where recordings are kept: a local folder, or an object store (`s3://`, `gs://`, `az://`), by obstore."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from obstore.exceptions import NotFoundError
from obstore.store import LocalStore, ObjectStore, from_url

CHUNK: Final = 1024 * 1024


class ObjectBlobs:
    """The `BlobStore` port. obstore writes a blob beside its place and renames it, so none is ever seen in part."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    def put_file(self, key: str, source: Path) -> None:
        """Store a file under `key`, replacing what is there."""
        self._store.put(key, source)

    def fetch_to(self, key: str, target: Path) -> bool:
        """Copy the blob to `target`; False when there is none."""
        try:
            found = self._store.get(key)
        except (NotFoundError, FileNotFoundError):
            return False
        with target.open("wb") as out:
            for chunk in found.stream(min_chunk_size=CHUNK):
                out.write(chunk)
        return True

    def delete(self, key: str) -> None:
        """Remove a blob; one that is gone already is no error."""
        with contextlib.suppress(NotFoundError, FileNotFoundError):
            self._store.delete(key)


def open_store(recordings_url: str) -> ObjectBlobs:
    """The store at `file:///folder` (made where it is missing) or at an object store's address.

    An object store's credentials come from its own usual environment variables.
    """
    parts = urlsplit(recordings_url)
    if parts.scheme == "file":
        return ObjectBlobs(LocalStore(unquote(parts.path), mkdir=True))
    return ObjectBlobs(from_url(recordings_url))
