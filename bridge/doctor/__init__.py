"""`scanbridge doctor`: why Windows does not see or use the scanner. Each check is a function that yields findings."""
