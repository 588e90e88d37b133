"""The command line: the only place on our side that parses arguments, prints and sets exit statuses."""
