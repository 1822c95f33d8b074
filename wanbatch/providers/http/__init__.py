"""One exchange over HTTP, and the connections it goes over."""
