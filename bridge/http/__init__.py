"""HTTP with limits: the site, the requests and the URL tree."""
