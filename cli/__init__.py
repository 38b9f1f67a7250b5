"""The command line: click commands, what they print, and the run folder."""
