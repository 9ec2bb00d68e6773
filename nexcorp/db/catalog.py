"""The statements of sql/, loaded once: `sql.posts.get_post(conn, post_id=..., viewer_id=...)`."""

from nexcorp.db.statements import load

sql = load()
