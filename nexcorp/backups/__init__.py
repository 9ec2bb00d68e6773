"""`nexcorp backup` and `nexcorp restore`: the database and the folder of uploads as one set of files.

A set is a folder: `database.dump` (pg_dump's custom format), `media/` as MEDIA_ROOT has it, `manifest.json`,
and `SHA256SUMS`, which `sha256sum -c` reads as well.
"""
