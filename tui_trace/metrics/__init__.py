"""Metrics of running traces over HTTP, in the formats of OpenMetrics and Prometheus."""
