"""Storage of uploaded files: Cloudinary if CLOUDINARY_URL is set, else a folder of this machine."""

from nexcorp.integrations.storage.contents import Contents, limit_of, take_in
from nexcorp.integrations.storage.stores import Placed, Store, make_stores

__all__ = ["Contents", "Placed", "Store", "limit_of", "make_stores", "take_in"]
