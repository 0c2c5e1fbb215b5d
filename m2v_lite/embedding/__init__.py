"""Token ids -> rows of the table -> means -> unit vectors: pure functions of arrays.

It takes `ids` (tokens,) and `bounds` (texts + 1,), both intp, and a table (rows, dim) in float64, float32,
float16, bfloat16 or int8. It gives vectors (texts, dim) in the table's dtype, or in float32 for bfloat16 and
int8. The modules, in the order in which a text passes them:

- `table`: the arrays of a model: embedding, mapping, weights.
- `dtypes`: which dtypes are read, and what each becomes. Add a dtype here.
- `read_ahead`: how the kernel reads the mapped table from the disk.
- `pooling`: rows -> mean -> unit vector: two kernels, for short and for long texts.
- `quantization`: a table -> a smaller dtype, fewer columns.
"""
