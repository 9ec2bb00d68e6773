"""The descriptions of the interface: OpenAPI, AsyncAPI, and every error code."""
