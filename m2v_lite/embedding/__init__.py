"""Turns token ids into unit vectors: looks up table rows, averages them and scales the means.

The modules are pure functions of arrays. The input is `ids` (tokens,) and `bounds` (texts + 1,), both intp,
and a table (rows, dim) in float64, float32, float16, bfloat16 or int8. The output is vectors (texts, dim) in
the table's dtype, or in float32 for bfloat16 and int8. A text passes through the modules in this order:

- `table`: the arrays of a model: embedding, mapping, weights.
- `dtypes`: the supported dtypes, and the dtype of the vectors for each one. Add a dtype here.
- `read_ahead`: tells the system's kernel how to read the mapped table from disk.
- `pooling`: averages rows and scales the means: one kernel for short texts, one for long texts.
- `modules`: applies the sentence-transformers modules that come after the table.
- `freed_memory`: returns freed memory to the operating system.
- `precision`: converts vectors to int8, uint8 or bits.
- `quantization`: reduces a table to a smaller dtype and fewer columns.
"""
