"""PostgreSQL: the pool, the statements of sql/, and the migrations."""

from nexcorp.db.pool import Connection, Database
from nexcorp.db.statements import sql

__all__ = ["Connection", "Database", "sql"]
