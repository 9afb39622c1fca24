"""Concepts in neural networks (TCAV): probes, directional derivatives, tests against random concepts. Needs torch."""
