"""Texts -> an index in one file -> the texts that fit a query, by meaning and by words.

The modules, in the order in which a text and then a query pass them:

- `index`: `Index`, which wires all below.
- `about`: the model of an index, and whether a model is that one.
- `database`: the file, its tables and its connections.
- `read_only`: an index in a place where nothing can be written.
- `manner`: how files are read.
- `discovery`: paths and patterns -> the files that are there, and those that are gone.
- `updating`: files -> what is new, changed and moved in an index.
- `splitting`: a file -> its chunks, or why it cannot be read.
- `chunking`: the lines of a text -> chunks with their lines.
- `checked_entries`: texts that are given, with ids and metadata -> entries.
- `contents`: chunks into the tables, and out of them.
- `compact`: vectors -> small rows, and their dot products.
- `bits`: rows -> a bit for each number, and how many differ.
- `vector_blocks`: rows <-> blocks and pages in the file.
- `folding`: a text -> what the index of words gets.
- `full_text`: words into the file, and a query's words -> the chunks that match.
- `path_patterns`: patterns of paths, of POSIX or of Windows -> the paths that fit.
- `path_check`: whether a pattern of paths stands for any file of an index.
- `filters`: conditions -> the chunks that meet them.
- `nearest`: a query's vector -> the nearest chunks.
- `fusion`: the orders by vectors and by words -> one.
- `status`: what is in an index.
- `exporting`: an index -> a file for other libraries.
- `upkeep`: the methods of an index that look after it: removal, a smaller file, an export.
- `hits`: the chunks that were found -> `Hit`.
- `passages`: a chunk and a query -> its lines that fit best.
"""

from m2v_lite.search.hits import Hit
from m2v_lite.search.index import Index
from m2v_lite.search.status import Status
from m2v_lite.search.updating import Progress, Update

__all__ = ["Hit", "Index", "Progress", "Status", "Update"]
