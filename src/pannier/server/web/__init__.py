"""Pages for people: HTML without scripts, made of the catalogue's values."""
