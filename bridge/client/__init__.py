"""The small WSD client behind the commands scan and discover."""
