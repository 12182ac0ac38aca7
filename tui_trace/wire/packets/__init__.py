"""Bytes: probes built, replies and quotes decoded. No sockets."""
