"""Search over mitigations and hyperparameters together. Loads numerical libraries: workers only."""
