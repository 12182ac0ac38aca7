"""Recordings: made, forged, opened."""
