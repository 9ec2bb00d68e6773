"""Real PostgreSQL and Valkey servers as children of this process, for `nexcorp dev`, tests and benchmarks."""

from nexcorp.embedded.postgres import PostgresServer
from nexcorp.embedded.process import EmbeddedError
from nexcorp.embedded.valkey import ValkeyServer

__all__ = ["EmbeddedError", "PostgresServer", "ValkeyServer"]
