"""Records with their vectors -> files that may grow for hours, and that a later run can go on with.

The modules, in the order in which a batch passes them:

- `added_columns`: the names of what is added to the records.
- `shortest_numbers`: vectors -> JSON arrays with as few digits as tell numbers apart.
- `npy_file`: vectors -> a .npy file.
- `json_lines_file`: records and vectors -> JSON Lines.
- `arrow_columns`: the values of a column -> an array of pyarrow.
- `arrow_file`: records and vectors -> a Parquet or Arrow file.
- `partial_file`: what is written -> the partial file beside the output, and its manifest.
"""
