"""What several features share, without HTTP: people, posts, attachments, mentions."""
