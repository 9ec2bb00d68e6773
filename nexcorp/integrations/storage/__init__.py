"""Where uploaded files are kept: Cloudinary where CLOUDINARY_URL is set, else a folder of this machine."""

from nexcorp.integrations.storage.contents import Contents, inspect, limit_of
from nexcorp.integrations.storage.stores import Placed, Store, make_stores

__all__ = ["Contents", "Placed", "Store", "inspect", "limit_of", "make_stores"]
