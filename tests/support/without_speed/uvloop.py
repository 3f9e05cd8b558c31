"""In the place of uvloop, on the path of whoever is to do without it."""

raise ImportError("[speed] is left out here")
