"""GraphQL: the schema that features add fields to, its limits, and its two front doors, HTTP and sockets.

Only web processes import this package: strawberry takes longer to load than all that a worker needs.
"""
