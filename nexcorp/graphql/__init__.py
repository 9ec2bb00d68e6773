"""GraphQL: the schema that features add fields to, its limits, and its two front doors, HTTP and sockets.

Only web processes import this package: loading strawberry takes longer than loading a whole worker.
"""
