"""What people and programs look at with a browser: page, JSON, metrics."""
