"""Vantages: sessions that run on other machines, and whose events come from there."""
