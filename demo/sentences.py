"""The consumer's own texts: questions, statements to search, and words to draw."""

from __future__ import annotations

QUESTIONS = [
    "Read all lines of a text file.",
    "Fetch a page from a remote web server.",
    "Which day of the week was it?",
    "Two threads must not touch the same data at once.",
    "Add numbers with exact precision.",
    "Send a letter with an image attached.",
    "What happens when something goes wrong?",
    "Turn characters into a sequence of octets.",
    "Which names does the mapping contain?",
    "A subclass replaces what its parent does.",
]

STATEMENTS = [
    "Open the file and iterate over all lines.",
    "Delete a directory with all its files.",
    "Copy a path to another folder on the disk.",
    "Write bytes to a temporary file.",
    "Connect a socket to a host and port.",
    "The HTTP client opens a URL and follows redirects.",
    "The server listens for requests from clients.",
    "Encrypt the connection with a certificate.",
    "Return the current local date and time.",
    "Convert a timestamp to another timezone.",
    "Print the calendar of a month, with weekdays.",
    "Measure seconds with a monotonic clock.",
    "Acquire a lock before changing shared state.",
    "Start a new process and wait until it exits.",
    "Submit work to a pool of worker threads.",
    "Await a coroutine in the event loop.",
    "Convert a decimal fraction to an integer.",
    "Compute the square root of a complex number.",
    "Choose a random element from a range.",
    "The mean and median of numeric data.",
    "Add a MIME attachment to an email message.",
    "Parse the headers of a mail message.",
    "Log in to the SMTP server and deliver mail.",
    "Raise an exception with a helpful error message.",
    "Handle the error and print the traceback.",
    "The finally clause runs although an exception was raised.",
    "Sort a list with a key function.",
    "Remove duplicate items from a sequence.",
    "Look up a key in a dictionary.",
    "Iterate over pairs of keys and values.",
    "Pickle an instance and unpickle it again.",
    "Serialize a dictionary as JSON.",
    "A derived class overrides a method of its base class.",
    "A metaclass creates classes.",
    "Decorators wrap a function.",
    "Match text with a regular expression.",
    "Encode a unicode string as bytes.",
    "Replace a substring and strip whitespace.",
]

# Each theme is one colour of the map; the last entry of a theme is a whole sentence.
THEMES = {
    "files": [
        *("file", "directory", "path", "folder", "disk", "rename", "filename"),
        "Delete the temporary files.",
    ],
    "network": [
        *("socket", "server", "client", "host", "port", "connection", "tcp"),
        "Connect to a host.",
    ],
    "time": [
        *("date", "month", "year", "day", "hour", "timezone", "calendar"),
        "Which day of the week?",
    ],
    "numbers": [
        *("integer", "float", "decimal", "fraction", "complex", "rounding", "number"),
        "Round a number.",
    ],
    "threads": [
        *("thread", "lock", "semaphore", "process", "worker", "pool", "acquire"),
        "Wait for the lock.",
    ],
}
