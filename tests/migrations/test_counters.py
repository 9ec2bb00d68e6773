"""Counters of people are exact after their migration, although people follow each other meanwhile."""

from __future__ import annotations

import threading

import psycopg

from nexcorp.db.migrations import list_files, migrate_down, migrate_up

STEPS = len([name for name in list_files() if name >= "0031"])
FOLLOW = """
INSERT INTO follows (follower_id, followed_id)
SELECT a.id, b.id FROM numbered AS a CROSS JOIN numbered AS b WHERE a.n = %s AND b.n = %s AND a.n <> b.n
ON CONFLICT DO NOTHING
"""
UNFOLLOW = "DELETE FROM follows WHERE follower_id = (SELECT id FROM numbered WHERE n = %s)"
WRONG = """
SELECT u.username
FROM users AS u
LEFT JOIN person_stats AS s ON s.user_id = u.id
WHERE coalesce(s.follower_count, 0) <> (SELECT count(*) FROM follows WHERE followed_id = u.id)
    OR coalesce(s.following_count, 0) <> (SELECT count(*) FROM follows WHERE follower_id = u.id)
    OR coalesce(s.post_count, 0)
    <> (SELECT count(*) FROM posts WHERE author_id = u.id AND position IS NOT NULL)
"""


def test_people_are_counted_while_they_follow_each_other(database_url: str) -> None:
    migrate_down(database_url, STEPS)
    with psycopg.connect(database_url, autocommit=True) as conn:
        conn.execute(
            """INSERT INTO users (email, username)
            SELECT 'u' || n || '@example.com', 'user_' || n FROM generate_series(1, 3000) AS n"""
        )
        conn.execute(
            "CREATE TABLE numbered AS SELECT row_number() OVER (ORDER BY id)::integer AS n, id FROM users"
        )
        conn.execute("INSERT INTO posts (author_id, body) SELECT id, 'x' FROM numbered WHERE n % 3 = 0")
        conn.execute("UPDATE posts SET position = id")
        conn.execute(
            """INSERT INTO follows (follower_id, followed_id)
            SELECT a.id, b.id FROM numbered AS a JOIN numbered AS b ON b.n BETWEEN a.n + 1 AND a.n + 3"""
        )
        stop, written = threading.Event(), []

        def go_on() -> None:
            with psycopg.connect(database_url, autocommit=True) as own:
                number = 1
                while not stop.is_set():
                    number = (number * 7919 + 13) % 2999 + 1
                    own.execute(FOLLOW, (number, number % 100 + 1))
                    if number % 3 == 0:
                        own.execute(UNFOLLOW, (number,))
                    written.append(number)

        threads = [threading.Thread(target=go_on) for _ in range(2)]
        for thread in threads:
            thread.start()
        try:
            migrate_up(database_url)
        finally:
            stop.set()
            for thread in threads:
                thread.join()
        assert written
        assert conn.execute(WRONG).fetchall() == []
        assert conn.execute("SELECT sum(post_count) FROM person_stats").fetchone() == (1000,)
