"""Output formats, one module per format; the module's name is the format's name."""
