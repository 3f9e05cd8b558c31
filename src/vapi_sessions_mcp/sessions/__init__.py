"""What happens between a checked request and its answer."""
