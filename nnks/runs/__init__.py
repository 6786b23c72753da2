"""One run, from its config to what is stored of it; and runs that are trained together."""
