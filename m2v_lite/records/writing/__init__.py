"""Writes records and vectors to files that can grow for hours, and that a later run can continue.

A batch passes through the modules in this order:

- `added_columns`: the names of the columns that are added to the records.
- `shortest_numbers`: writes vectors as JSON arrays with the fewest digits that keep each number.
- `npy_file`: writes vectors to a .npy file.
- `json_lines_file`: writes records and vectors as JSON Lines.
- `arrow_columns`: converts the values of a column to a pyarrow array.
- `arrow_file`: writes records and vectors to a Parquet or Arrow file.
- `partial_file`: writes the partial file next to the output, and its manifest.
"""
