"""The configuration of MCP hosts: this server put in, and taken out again."""
