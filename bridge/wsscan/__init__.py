"""The WSD Scan Service: eight operations over the job queue."""
