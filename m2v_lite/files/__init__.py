"""A model folder or a packed file -> the parts of a model, and back.

The input is a path. The output is a `ModelParts`: the mapped table (rows, dim), the tokenizer, the config and
the contents of the model card. Saving and packing take a `ModelParts` back. No module here knows the hub or
`StaticModel`. A model passes the modules in this order:

- `layouts`: the files of a model folder, and their names. Add a layout here.
- `config`: the settings, and their checks.
- `model_card`: reads a model card.
- `safetensors`: the file format: checks, maps and writes files.
- `packed_format`: the contents of a packed model.
- `reading`: a folder or a packed file -> parts, the table first.
- `model_parts`: the parts of a model, and the attributes that callers may read.
- `modules_json`: the list of modules of sentence-transformers, and back.
- `dense_layers`: the modules behind the table, and back to their files.
- `sentence_transformers`: a folder of sentence-transformers -> parts that give its vectors, and back.
- `heads`: the layers of a model that classifies.
- `saving`: parts -> a folder; a folder -> a copy.
- `blob_names`: a file of a snapshot in the hub's cache -> its checksum.
- `assets`: the folder where libraries around the hub keep what they derive from downloads.
- `kept_tokenizers`: a large tokenizer.json -> its tokenizer, from arrays that are made once and kept there.
- `module_entries`: the modules of sentence-transformers in a packed model.
- `packed_file`: tensors and metadata -> a packed file; checks its checksums.
- `packing`: parts -> a packed file, and back to a folder.
- `save_methods`: the methods of a model that call on `saving` and `packing`.
- `atomic_write`: files that appear whole or not at all.
"""
