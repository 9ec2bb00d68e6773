"""Code that several features share, without HTTP: people, posts, attachments, mentions."""
