"""The transaction of whoever called: whether it has written, and ending one that has only read.

A use case that needs transactions of its own (a claim, a download, a result) may be called right after a query, in the
same scope. On SQLite that query's transaction holds the write lock, so it must end first; one that has written is its
owner's to commit, and never ended from here.
"""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import event
from sqlalchemy.orm import ORMExecuteState, Session, SessionTransaction

from server.db import GuardedSession, NoScope, db

_WROTE: Final = "frontdesk_wrote"


class UncommittedChanges(RuntimeError):
    """A use case with transactions of its own was called in a transaction that has written."""


def open_session() -> GuardedSession | None:
    """The session of the scope that is open here, or None."""
    try:
        return db.session
    except NoScope:
        return None


def leave_read_transaction() -> None:
    """End the open transaction if it has only read; the objects it loaded stay usable.

    Raises `UncommittedChanges` when it has written.
    """
    session = open_session()
    if session is None or not session.in_transaction():
        return
    if session.info.get(_WROTE) or session.new or session.dirty or session.deleted:
        raise UncommittedChanges("commit first: the recording is fetched outside the caller's transaction")
    session.commit()


@event.listens_for(GuardedSession, "after_flush")
def _flushed(session: Session, _: Any) -> None:
    session.info[_WROTE] = True


@event.listens_for(GuardedSession, "do_orm_execute")
def _executed(state: ORMExecuteState) -> None:
    if not state.is_select:
        state.session.info[_WROTE] = True


@event.listens_for(GuardedSession, "after_transaction_end")
def _ended(session: Session, transaction: SessionTransaction) -> None:
    if transaction.parent is None:
        session.info.pop(_WROTE, None)
