"""Probing without rights, through the error queues of ordinary sockets."""
