"""What a session looks like to whoever reads it."""
