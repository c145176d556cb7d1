"""Jobs, their states and their queue; knows neither SOAP nor SANE."""
