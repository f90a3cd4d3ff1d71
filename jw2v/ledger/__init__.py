"""The proof, as data: the document line by line, and the chain to the kernel that trains."""
