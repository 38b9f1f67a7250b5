"""Models that need both rooms of floor 3: encoders that read what features find, trees that read encoders."""
