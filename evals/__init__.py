"""Whether models do people's work with this server: tasks, and a check on what came of each."""
