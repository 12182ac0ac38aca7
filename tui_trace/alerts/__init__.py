"""Episodes told where nobody looks: lines of a log, a command of the user's, a service manager."""
