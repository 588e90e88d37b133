"""Import names to the projects that provide them, by what is shipped, installed and declared."""
