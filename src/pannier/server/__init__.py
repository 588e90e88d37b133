"""The private index: a pure request -> response core over a catalogue of files, and a thin HTTP shell."""
