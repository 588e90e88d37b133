"""Sites: several environments for one server, planned, locked and compared."""
