"""Taking in what clients publish: forms, archives of strangers, and what is done with them."""
