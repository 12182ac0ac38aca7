"""Probing with raw sockets, which need CAP_NET_RAW."""
