"""In the place of aiohttp, on the path of whoever is to do without it."""

raise ImportError("[speed] is left out here")
