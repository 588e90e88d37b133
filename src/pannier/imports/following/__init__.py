"""The files of a program, followed from one to the next, and what each is for."""
