"""What is measured, and how it leaves the process: nothing and not at all, unless asked for."""
