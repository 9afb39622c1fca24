"""Why a model answers as it does, and where a gap between groups comes from."""
