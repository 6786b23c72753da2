"""nnks."""
