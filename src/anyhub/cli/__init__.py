"""The command line: `anyhub get|inspect|run|serve`."""
