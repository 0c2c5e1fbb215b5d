"""Indexes texts in one file and finds those that match a query best, by meaning and by words.

A text, and then a query, passes through the modules in this order:

- `index`: `Index`, which uses all the modules below.
- `about`: records the model of an index, and checks whether a given model is the same.
- `database`: the file, its tables and its connections.
- `read_only`: opens an index where nothing can be written.
- `manner`: how files are read.
- `discovery`: finds the files that paths and patterns match, and the files that are gone.
- `updating`: finds what is new, changed and moved, and updates the index.
- `splitting`: splits a file into chunks, or says why it cannot be read.
- `chunking`: splits the lines of a text into chunks with their line numbers.
- `checked_entries`: checks the texts, ids and metadata that a caller adds.
- `contents`: adds chunks to the tables, and removes them.
- `compact`: stores vectors as small rows, and computes their dot products.
- `bits`: reduces each vector to bits, and counts how many differ.
- `vector_blocks`: stores rows in blocks and pages in the file, and reads them.
- `folding`: prepares a text for the index of words.
- `full_text`: stores words, and finds the chunks that match the words of a query.
- `path_patterns`: matches paths against patterns, with the rules of POSIX or Windows.
- `path_check`: checks whether a pattern of paths matches any file in an index.
- `filters`: finds the chunks that meet conditions.
- `nearest`: finds the chunks nearest to a query's vector.
- `fusion`: combines the results of search by vectors and search by words.
- `status`: a summary of an index.
- `exporting`: exports an index to a file for other libraries.
- `upkeep`: the maintenance methods of an index: status, removal, vacuum and export.
- `hits`: builds a `Hit` for each chunk that was found.
- `passages`: finds the lines of a chunk that match a query best.
"""

from m2v_lite.search.hits import Hit
from m2v_lite.search.index import Index
from m2v_lite.search.status import Status
from m2v_lite.search.updating import Progress, Update

__all__ = ["Hit", "Index", "Progress", "Status", "Update"]
