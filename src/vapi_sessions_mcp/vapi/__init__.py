"""The only I/O with Vapi."""
