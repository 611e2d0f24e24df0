"""Training of what ships: scripts that anyone can run again on photos of their own."""
