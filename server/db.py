"""The database: engines, scoped sessions and the guard that holds the ownership map.

`db.session` belongs to the scope an edge opened (`with db.scope(...)`): a request, a job, a socket's turn writer.
Without a scope it raises, and a task or thread spawned inside one does not inherit it, nor the owner it acts as. The
code that holds a scope says in whose name it writes with `acting_as(owner)`; a write to a fact of another owner raises
`OwnershipViolation` before any SQL runs.

✅ OWNER: sessions, transactions, and the enforcement of `server.ownership`.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Iterator
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import IllegalStateChangeError
from sqlalchemy.orm import DeclarativeBase, ORMExecuteState, Session, UOWTransaction

from server.ownership import OWNERSHIP, Entry

BUSY_TIMEOUT_MS = 10_000


class NoScope(RuntimeError):
    """`db.session` was used where no edge opened a scope, or in a task or thread that must open its own."""


class OwnershipViolation(RuntimeError):
    """A write to a fact by one who does not own it; names the fact, its owner, the entry point and the offender."""

    def __init__(self, fact: str, entry: Entry, offender: str | None) -> None:
        who = f"'{offender}'" if offender else "code that acts as nobody"
        super().__init__(
            f"{fact} is owned by {entry['owner']}; {who} tried to write it. Use {entry['entry']} ({entry['why']})."
        )
        self.fact = fact
        self.owner = entry["owner"]
        self.entry_point = entry["entry"]
        self.offender = offender


class UnownedColumn(RuntimeError):
    """A column without an entry in the ownership map."""


def _here() -> object:
    """The task that is running, or the thread where there is none: what a scope may not be carried out of."""
    try:
        task = asyncio.current_task()
    except RuntimeError:
        task = None
    return task or threading.current_thread()


_owner: ContextVar[tuple[str, object] | None] = ContextVar("frontdesk_owner", default=None)


def current_owner() -> str | None:
    """In whose name this task or thread writes; nothing is inherited from the one that spawned it."""
    held = _owner.get()
    return held[0] if held is not None and held[1] is _here() else None


def entry_for(model: str, column: str) -> Entry:
    """The map's line for a column. Raises `UnownedColumn`."""
    found = OWNERSHIP.get(f"{model}.{column}") or OWNERSHIP.get(f"{model}.*")
    if found is None:
        raise UnownedColumn(f"{model}.{column} has no owner: add it to server/ownership.py")
    return found


def check_write(model: str, column: str) -> None:
    """Raise `OwnershipViolation` unless the current owner context owns the column."""
    entry = entry_for(model, column)
    offender = current_owner()
    if offender != entry["owner"]:
        raise OwnershipViolation(f"{model}.{column}", entry, offender)


class _Transaction:
    """`with db.session.begin():` joins a transaction that a read began, and allows `commit()` inside the block."""

    def __init__(self, session: GuardedSession) -> None:
        self._session = session

    def __enter__(self) -> GuardedSession:
        return self._session

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is not None:
            self._session.rollback()
            return
        try:
            self._session.commit()
        except BaseException:
            self._session.rollback()
            raise


class GuardedSession(Session):
    """A session whose flushes and bulk writes are checked against the ownership map."""

    def begin(self, nested: bool = False) -> Any:
        """Begin or join a transaction; commits on a clean exit and rolls back on an error."""
        if nested:
            return super().begin(nested=True)
        return _Transaction(self)

    def flush(self, objects: Any = None) -> None:
        """Flush; a write of a foreign owner takes the whole transaction back."""
        try:
            super().flush(objects)
        except OwnershipViolation:
            with contextlib.suppress(IllegalStateChangeError):  # a commit that flushes rolls back by itself
                self.rollback()
            raise


@dataclass(slots=True)
class _Scope:
    session: GuardedSession
    home: object


_scope: ContextVar[_Scope | None] = ContextVar("frontdesk_scope", default=None)


class Database:
    """One database of the process. `configure` it once; then open scopes."""

    def __init__(self) -> None:
        self._engine: Engine | None = None

    def configure(self, url: str) -> Engine:
        """Open the database at `url` (SQLAlchemy's form), replacing the one before.

        A statement's parameters (what callers said, their numbers) never stand in an error's text, which is logged.
        """
        self.dispose()
        self._engine = (
            _sqlite(url)
            if url.startswith("sqlite")
            else sa.create_engine(url, pool_pre_ping=True, hide_parameters=True)
        )
        event.listen(self._engine, "before_execute", _guard_core, retval=False)
        return self._engine

    def dispose(self) -> None:
        """Close every pooled connection."""
        if self._engine is not None:
            self._engine.dispose()
            self._engine = None

    @property
    def engine(self) -> Engine:
        """The engine. Raises `NoScope` before `configure`."""
        if self._engine is None:
            raise NoScope("the database is not configured: call server.db.db.configure(url) first")
        return self._engine

    @property
    def session(self) -> GuardedSession:
        """The session of the current scope. Raises `NoScope`."""
        scope = _scope.get()
        if scope is None or scope.home is not _here():
            raise NoScope("no database scope is open here: an edge opens one with `with db.scope(): …`")
        return scope.session

    @contextlib.contextmanager
    def scope(self, owner: str | None = None, *, write: bool = True) -> Iterator[GuardedSession]:
        """Open a scope, optionally acting as `owner`. What was not committed by its end is rolled back.

        On SQLite a scope that writes opens its transactions with BEGIN IMMEDIATE: a read that later writes would fail
        at once with "database is locked". On PostgreSQL rows are locked with FOR UPDATE where it matters.
        """
        engine = self.engine.execution_options(begin_immediate=write)
        session = GuardedSession(bind=engine, expire_on_commit=False)
        token = _scope.set(_Scope(session, _here()))
        try:
            with _named(owner) if owner else contextlib.nullcontext():
                yield session
        finally:
            _scope.reset(token)
            session.close()


db = Database()


@contextlib.contextmanager
def reading() -> Iterator[None]:
    """The scope that is open here, or one of its own for reading: for use cases that are called from anywhere."""
    scope = _scope.get()
    if scope is not None and scope.home is _here():
        yield
        return
    with db.scope(write=False):
        yield


@contextlib.contextmanager
def acting_as(owner: str) -> Iterator[None]:
    """Write in the name of `owner`, a module of the ownership map; enter it in that module only.

    Pending changes are flushed on entry, in the name of whoever made them, and on a clean exit, in the name of `owner`.
    """
    _flush_open_session()
    with _named(owner):
        yield
        _flush_open_session()


@contextlib.contextmanager
def _named(owner: str) -> Iterator[None]:
    if not any(entry["owner"] == owner for entry in OWNERSHIP.values()):
        raise UnownedColumn(f"{owner!r} owns nothing in server/ownership.py")
    token = _owner.set((owner, _here()))
    try:
        yield
    finally:
        _owner.reset(token)


def _flush_open_session() -> None:
    scope = _scope.get()
    if scope is not None and scope.home is _here() and (scope.session.new or scope.session.dirty):
        scope.session.flush()


def _sqlite(url: str) -> Engine:
    engine = sa.create_engine(
        url, connect_args={"check_same_thread": False, "timeout": BUSY_TIMEOUT_MS / 1000}, hide_parameters=True
    )

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _: Any) -> None:
        connection.isolation_level = None
        for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON", f"busy_timeout={BUSY_TIMEOUT_MS}"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        immediate = connection.get_execution_options().get("begin_immediate", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")

    return engine


@event.listens_for(GuardedSession, "before_flush")
def _guard_flush(session: Session, _: UOWTransaction, __: Any) -> None:
    for row in session.new:
        for column in _set_columns(row):
            check_write(type(row).__name__, column)
    for row in session.dirty:
        state = sa.inspect(row)
        for attribute in state.mapper.column_attrs:
            if state.attrs[attribute.key].history.has_changes():
                check_write(type(row).__name__, attribute.key)
    for row in session.deleted:
        check_write(type(row).__name__, "*")


def _set_columns(row: object) -> Iterator[str]:
    """The columns a new row sets itself; what is left to a default is its table's, not its writer's."""
    state = sa.inspect(row)
    assert state is not None
    for attribute in state.mapper.column_attrs:
        if state.dict.get(attribute.key) is not None:
            yield attribute.key


@event.listens_for(GuardedSession, "do_orm_execute")
def _guard_bulk(state: ORMExecuteState) -> None:
    if not (state.is_update or state.is_delete):
        return
    try:
        _check_statement(state.statement)
    except OwnershipViolation:
        state.session.rollback()
        raise


def _guard_core(_: Connection, statement: Any, multiparams: Any, params: Any, __: Any) -> None:
    """The backstop: any UPDATE, DELETE or INSERT that reaches the engine as an expression, however it was made."""
    if isinstance(statement, sa.Update | sa.Delete | sa.Insert):
        rows = multiparams or ([params] if params else [])
        _check_statement(
            statement, {key for row in rows if isinstance(row, dict) for key in row if row[key] is not None}
        )


def _check_statement(statement: Any, given: set[str] | None = None) -> None:
    model = _model_of(getattr(statement, "table", None))
    if model is None:
        return
    if isinstance(statement, sa.Delete):
        check_write(model, "*")
        return
    values = getattr(statement, "_values", None) or {}
    for column in {getattr(key, "key", str(key)) for key in values} | (given or set()):
        if column in statement.table.c and not (isinstance(statement, sa.Update) and column == "id"):
            check_write(model, column)


def _model_of(table: Any) -> str | None:
    return _MODELS.get(getattr(table, "name", ""))


_MODELS: dict[str, str] = {}


def register_model(base: type[DeclarativeBase]) -> None:
    """Tell the guard which table is which model. ✅ OWNER: server.models_sql ONLY."""
    for mapper in base.registry.mappers:
        _MODELS[str(mapper.local_table.name)] = mapper.class_.__name__  # type: ignore[attr-defined]
