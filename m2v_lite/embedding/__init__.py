"""Token ids -> table rows -> means -> unit vectors: pure functions of arrays.

The input is `ids` (tokens,) and `bounds` (texts + 1,), both intp, and a table (rows, dim) in float64,
float32, float16, bfloat16 or int8. The output is vectors (texts, dim) in the table's dtype, or in float32 for
bfloat16 and int8. A text passes the modules in this order:

- `table`: the arrays of a model: embedding, mapping, weights.
- `dtypes`: the supported dtypes, and the dtype of the vectors that each one gives. Add a dtype here.
- `read_ahead`: how the kernel reads the mapped table from disk.
- `pooling`: rows -> mean -> unit vector: one kernel for short texts, one for long texts.
- `modules`: vectors -> what the modules of sentence-transformers behind a table make of them.
- `freed_memory`: gives freed memory back to the system.
- `precision`: vectors -> int8, uint8 or bits.
- `quantization`: table -> smaller dtype, fewer columns.
"""
