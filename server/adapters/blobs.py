"""Where recordings are kept: a local folder, or an object store (`s3://`, `gs://`, `az://`), by obstore."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from obstore.exceptions import BaseError, NotFoundError
from obstore.store import LocalStore, ObjectStore, from_url

from server.ports import ProviderError

CHUNK: Final = 1024 * 1024
_GONE: Final = (NotFoundError, FileNotFoundError)


class ObjectBlobs:
    """The `BlobStore` port. obstore writes a blob beside its place and renames it, so none is ever seen in part."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    def put_file(self, key: str, source: Path) -> None:
        """Store a file under `key`, replacing what is there. Raises `ProviderError`."""
        with _as_provider_error("write"):
            self._store.put(key, source)

    def fetch_to(self, key: str, target: Path) -> bool:
        """Copy the blob to `target`; False when there is none. Raises `ProviderError`."""
        try:
            with _as_provider_error("read"), target.open("wb") as out:
                for chunk in self._store.get(key).stream(min_chunk_size=CHUNK):
                    out.write(chunk)
        except _GONE:
            return False
        return True

    def delete(self, key: str) -> None:
        """Remove a blob; one that is gone already is no error. Raises `ProviderError`."""
        with contextlib.suppress(*_GONE), _as_provider_error("delete"):
            self._store.delete(key)


@contextlib.contextmanager
def _as_provider_error(what: str) -> Iterator[None]:
    """A blob that is not there passes as it is; everything else that the store says is the provider's error."""
    try:
        yield
    except _GONE:
        raise
    except (BaseError, OSError) as problem:
        raise ProviderError(f"the recordings' store can't {what}: {problem}", retryable=True) from problem


def open_store(recordings_url: str) -> ObjectBlobs:
    """The store at `file:///folder` (made where it is missing) or at an object store's address.

    An object store's credentials come from its own usual environment variables.
    """
    parts = urlsplit(recordings_url)
    if parts.scheme == "file":
        return ObjectBlobs(LocalStore(unquote(parts.path), mkdir=True))
    return ObjectBlobs(from_url(recordings_url))
