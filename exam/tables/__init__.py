"""A file becomes a table of cells: what stands at a path, and one module a form."""
