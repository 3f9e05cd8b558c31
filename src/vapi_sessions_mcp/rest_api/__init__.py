"""Sessions as Vapi's own REST paths."""
