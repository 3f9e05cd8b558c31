"""What may be asked for: five operations and their arguments, checked before anything is sent."""
