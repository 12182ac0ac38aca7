"""A live traceroute in the terminal whose probe is switched while it runs."""

__version__ = "0.1.0"
