"""PostgreSQL: the pool, the statements of sql/, and the migrations."""

from nexcorp.db.catalog import sql
from nexcorp.db.pool import Connection, Database

__all__ = ["Connection", "Database", "sql"]
